-- data
-- No new token for demo-client, and the tokens it holds are inactive, within a second. CALL client_enable undoes it.

CALL client_disable('demo-client');
