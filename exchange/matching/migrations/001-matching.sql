-- The journal is the truth; everything else in this file can be rebuilt from it.
CREATE TABLE journal (
  sequence INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  command TEXT NOT NULL,
  events TEXT NOT NULL
) STRICT;

-- Every order ever. A row is written when the order is accepted or rejected and when it closes; in between the
-- engine knows better. value: tick-lots, beyond 64 bits.
CREATE TABLE orders (
  id TEXT PRIMARY KEY,
  client_order_id TEXT NOT NULL,
  account TEXT NOT NULL,
  symbol TEXT NOT NULL,
  side TEXT NOT NULL,
  type TEXT NOT NULL,
  time_in_force TEXT NOT NULL,
  price INTEGER,
  quantity INTEGER NOT NULL,
  filled INTEGER NOT NULL,
  cancelled INTEGER NOT NULL,
  remaining INTEGER NOT NULL,
  value TEXT NOT NULL,
  status TEXT NOT NULL,
  time INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE abandoned (id TEXT PRIMARY KEY, time INTEGER NOT NULL) STRICT, WITHOUT ROWID;

-- The state after an entry. Old ones keep their hash, for the check of the journal, and lose their state.
CREATE TABLE snapshots (sequence INTEGER PRIMARY KEY, hash TEXT NOT NULL, state TEXT) STRICT;

-- The last known good catalogue, so that matching starts without reference.
CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT;
