-- ddl
-- How long the assertions of a client may live (private_key_jwt). Some libraries sign for an hour.

ALTER TABLE client
  ADD COLUMN IF NOT EXISTS assertion_seconds INT UNSIGNED NULL
    COMMENT 'longest life of its assertions: time to their exp, and since their iat; NULL: 300'
    AFTER assertion_audience,
  ADD CONSTRAINT IF NOT EXISTS client_assertion_seconds_1_to_3600 CHECK (assertion_seconds IS NULL OR assertion_seconds BETWEEN 1 AND 3600);
