CREATE TABLE accounts (
  id TEXT PRIMARY KEY,
  -- For participants of the fleet, who open the account by name.
  name TEXT UNIQUE,
  -- JSON list of {asset, amount} to be credited when the account is opened.
  funding TEXT NOT NULL,
  -- 0 until ledger and risk have both confirmed the funding.
  funded INTEGER NOT NULL DEFAULT 0,
  opened_at INTEGER NOT NULL
) STRICT;

CREATE INDEX accounts_unfunded ON accounts (id) WHERE funded = 0;

CREATE TABLE signing_keys (
  kid TEXT PRIMARY KEY,
  private_jwk TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
