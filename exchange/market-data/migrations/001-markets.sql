-- How far the engine's log has been followed. Written in the same transaction as the effects.
CREATE TABLE log_checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), sequence INTEGER NOT NULL) STRICT;
INSERT INTO log_checkpoint VALUES (1, 0);

-- The last catalogue, so that a start does not depend on reference.
CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;

-- How far the replay of the other venue has been followed.
CREATE TABLE venue_position (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  run INTEGER NOT NULL,
  sequence INTEGER NOT NULL
) STRICT;

CREATE TABLE markets (
  symbol TEXT PRIMARY KEY,
  -- Of the latest event of this market.
  sequence INTEGER NOT NULL
) STRICT;

-- Prices in ticks, quantities in lots.
CREATE TABLE levels (
  symbol TEXT NOT NULL,
  side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
  price INTEGER NOT NULL,
  quantity INTEGER NOT NULL CHECK (quantity > 0),
  PRIMARY KEY (symbol, side, price)
) STRICT, WITHOUT ROWID;

CREATE TABLE trades (
  symbol TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  id INTEGER NOT NULL,
  price INTEGER NOT NULL,
  quantity INTEGER NOT NULL,
  side TEXT NOT NULL,
  time INTEGER NOT NULL,
  PRIMARY KEY (symbol, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE candles (
  symbol TEXT NOT NULL,
  -- Start of the minute, milliseconds since the epoch.
  time INTEGER NOT NULL,
  open INTEGER NOT NULL,
  high INTEGER NOT NULL,
  low INTEGER NOT NULL,
  close INTEGER NOT NULL,
  volume INTEGER NOT NULL,
  trades INTEGER NOT NULL,
  PRIMARY KEY (symbol, time)
) STRICT, WITHOUT ROWID;
