-- data
-- Within a second demo-client gets no token and its tokens are inactive. CALL client_enable undoes it.

CALL client_disable('demo-client');
