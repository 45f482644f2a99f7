/**
 * The suite `durability`: hundreds of deaths of a broker under 64 publishers, by kill -9 and by loss of power, and what
 * it owes afterwards. The last one is the counter-proof: a broker that does not flush has to lose something.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type JudgedRow, judge, type Measurement } from '../bar.ts';
import { buildPowerCut } from '../power-cut/forgetful-disk.ts';
import { percentile } from '../statistics.ts';
import { killRounds, type Outcome, powerCutRounds } from './rounds.ts';
import { seededRandom } from './seeded-random.ts';

export interface DurabilityOptions {
  readonly kills: number;
  readonly cuts: number;
  /** Of all that is random. */
  readonly seed: number;
  readonly talk: (line: string) => void;
}

/** Longest time under load before a death, in ms. */
const LONGEST_MS = 400;
const COUNTER_PROOFS = 3;

export async function runDurability({ kills, cuts, seed, talk }: DurabilityOptions): Promise<JudgedRow[]> {
  talk(`seed ${seed}`);
  const options = (rounds: number) => ({
    rounds,
    longestMs: LONGEST_MS,
    random: seededRandom(seed),
    talk: (round: number, { acknowledged, lost }: Outcome) => {
      if (round % 10 === 0 || round === rounds) {
        talk(`  round ${round} of ${rounds}: ${acknowledged} acknowledged, ${lost} lost`);
      }
    },
  });
  talk('kill -9');
  const killed = await killRounds(options(kills));
  const measured: Measurement[] = [
    ...owed('kill -9', killed),
    never('kill -9', 'not handled by the consumer with an inbox', killed.unhandled),
    never('kill -9', 'handled twice by it', killed.handledTwice),
  ];
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-power-cut-build-'));
  try {
    const library = buildPowerCut(folder);
    if (library === undefined) {
      talk('no power cuts: there is no C compiler (apt-get install gcc libc6-dev)');
      return judge(measured);
    }
    talk('power cut');
    measured.push(...owed('power cut', await powerCutRounds({ ...options(cuts), library })));
    talk('power cut without flushes');
    const counter = await powerCutRounds({
      ...options(COUNTER_PROOFS),
      library,
      durability: 'process',
      remains: ['nothing'],
    });
    measured.push(
      told('power cut without flushes', 'acknowledged', counter.acknowledged),
      told('power cut without flushes', 'lost', counter.lost),
      never(
        'power cut without flushes',
        'nothing lost: the power cut proves nothing',
        counter.lost > 0 ? 0 : 1,
      ),
    );
    return judge(measured);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function owed(scenario: string, { acknowledged, lost, surplus, readyMs }: Outcome): Measurement[] {
  // The first start is not a return.
  const sorted = Float64Array.from(readyMs.slice(1)).sort();
  return [
    told(scenario, 'acknowledged', acknowledged),
    never(scenario, 'acknowledged and lost', lost),
    never(scenario, 'stored more often than sent', surplus),
    { scenario, what: 'ready again, p50', value: percentile(sorted, 50), unit: 'ms' },
    { scenario, what: 'ready again, p99', value: percentile(sorted, 99), unit: 'ms', most: 500 },
  ];
}

function told(scenario: string, what: string, value: number): Measurement {
  return { scenario, what, value, unit: 'messages' };
}

function never(scenario: string, what: string, value: number): Measurement {
  return { scenario, what, value, unit: 'messages', most: 0, counts: 'worst' };
}
