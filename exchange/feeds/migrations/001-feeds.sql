-- Counts the starts of this service: client order ids of the participants contain it, so that they are never used twice.
CREATE TABLE starts (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL) STRICT;
INSERT INTO starts VALUES (1, 0);

-- Whether the participants are to pause: what an operator said last, also across a restart.
CREATE TABLE participants (one INTEGER PRIMARY KEY CHECK (one = 1), paused INTEGER NOT NULL) STRICT;
INSERT INTO participants VALUES (1, 0);

-- The recording that is being played, and an event of it that is out; those after it may be out as well.
CREATE TABLE replay (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  -- Path, size and time of change: another recording begins another run.
  recording TEXT NOT NULL,
  run INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  -- Gaps up to there.
  gaps INTEGER NOT NULL,
  ended INTEGER NOT NULL
) STRICT;
