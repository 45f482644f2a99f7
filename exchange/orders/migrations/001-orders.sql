-- Every order that the engine accepted or rejected, as of the checkpoint.
CREATE TABLE orders (
  -- Gapless from 1, in the order in which the engine took them. Orders are never deleted.
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  client_order_id TEXT NOT NULL,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
  type TEXT NOT NULL CHECK (type IN ('limit', 'market')),
  -- Ticks; NULL for market orders.
  price INTEGER,
  -- Lots.
  quantity INTEGER NOT NULL,
  time_in_force TEXT NOT NULL CHECK (time_in_force IN ('gtc', 'ioc')),
  filled INTEGER NOT NULL,
  remaining INTEGER NOT NULL,
  -- Sum of price × quantity over the fills, in tick-lots. As text: it may exceed 64 bits.
  value TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('open', 'filled', 'cancelled', 'rejected')),
  -- When it was accepted or rejected, in milliseconds since the epoch.
  time INTEGER NOT NULL
) STRICT;

-- Each index ends with the position, as all do in SQLite, so that "newest first" needs no sorting.
CREATE INDEX orders_of_account ON orders (account);
CREATE INDEX orders_of_market ON orders (account, symbol);
-- Small: what an account has had over the years does not slow down the question what is open.
CREATE INDEX orders_open ON orders (account) WHERE status = 'open';

CREATE TABLE log_checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL) STRICT;
INSERT INTO log_checkpoint VALUES (1, 0);

CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;
