-- Amounts are minor units of the asset. available + held is what the ledger has, at the sequence of log_checkpoint.
CREATE TABLE balances (
  account TEXT NOT NULL,
  asset TEXT NOT NULL,
  available INTEGER NOT NULL,
  held INTEGER NOT NULL,
  PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

-- Every order that was sent to the engine and not given up. pending: not seen in the engine's log yet. live: in the
-- log, and holding what its remaining lots cost. closed and rejected: kept to recognise a repetition.
CREATE TABLE orders (
  account TEXT NOT NULL,
  client_order_id TEXT NOT NULL,
  id TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL,
  type TEXT NOT NULL,
  price INTEGER,
  protection INTEGER,
  quantity INTEGER NOT NULL,
  time_in_force TEXT NOT NULL,
  remaining INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'live', 'closed', 'rejected')),
  reason TEXT,
  PRIMARY KEY (account, client_order_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX unfinished_orders ON orders (state) WHERE state IN ('pending', 'live');

CREATE TABLE transfers (id TEXT PRIMARY KEY, account TEXT NOT NULL, amounts TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Ticks of the last trade, for the protection price of market orders.
CREATE TABLE last_prices (symbol TEXT PRIMARY KEY, ticks INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE log_checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL) STRICT;
INSERT INTO log_checkpoint VALUES (1, 0);

CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;
