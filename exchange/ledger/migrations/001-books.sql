-- Movements of money. Never changed and never deleted.
CREATE TABLE transfers (
  -- Gapless from 1.
  number INTEGER PRIMARY KEY,
  -- Says what it books: a second transfer with the same id is the same transfer.
  id TEXT NOT NULL UNIQUE,
  -- Milliseconds since the epoch.
  time INTEGER NOT NULL,
  -- Covers this transfer, its entries and, through the hash before it, all earlier ones.
  hash TEXT NOT NULL
) STRICT;

-- The entries of a transfer sum to zero for every asset.
CREATE TABLE entries (
  transfer INTEGER NOT NULL REFERENCES transfers (number),
  leg INTEGER NOT NULL,
  account TEXT NOT NULL,
  asset TEXT NOT NULL,
  -- Minor units of the asset.
  amount INTEGER NOT NULL,
  PRIMARY KEY (transfer, leg)
) STRICT, WITHOUT ROWID;

-- Sums of the entries.
CREATE TABLE balances (
  account TEXT NOT NULL,
  asset TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE log_checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL) STRICT;
INSERT INTO log_checkpoint VALUES (1, 0);

CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;
