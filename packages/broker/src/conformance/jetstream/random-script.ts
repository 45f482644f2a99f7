/**
 * Scripts made at random around one stream: about the stream alone, and about a few consumers of it.
 * Nothing in them takes time: pulls do not wait, and no wait for an acknowledgement ends within the script. So both
 * servers must do the same, message by message.
 *
 * Scripts with consumers leave out what nats-server 2.9.10 does wrong to consumers: a purge of one subject, which
 * a roll-up of a subject contains, makes it skip messages of other subjects; a purge beyond the end leaves it counting
 * what is gone; a changed filter makes it lose its way.
 */
import fc from 'fast-check';
import type { Step } from './script.ts';

const stream = 'RANDOM';
const subjects = ['r.a', 'r.b', 'r.c.d', 'r.c.e'];
const filters = ['r.>', 'r.*', 'r.a', 'r.c.*', 'r.c.d'];
const consumers = ['one', 'two', 'three'];

const subject = fc.constantFrom(...subjects);
const filter = fc.constantFrom(...filters);
const consumer = fc.constantFrom(...consumers);
const sequence = fc.integer({ min: 1, max: 25 });
const sometimes = <T>(arbitrary: fc.Arbitrary<T>, weight = 1) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight, arbitrary });

const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 11, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

/** Only what is there, as a client would write it. */
function present(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

const limits = fc
  .record({
    max_msgs: sometimes(fc.integer({ min: 1, max: 8 })),
    max_msgs_per_subject: sometimes(fc.integer({ min: 1, max: 3 })),
    max_msg_size: sometimes(fc.constant(20)),
    discard: sometimes(fc.constantFrom('old', 'new')),
    discard_new_per_subject: sometimes(fc.constant(true)),
    allow_rollup_hdrs: fc.boolean(),
    allow_direct: fc.boolean(),
    deny_delete: fc.oneof({ weight: 9, arbitrary: fc.constant(false) }, fc.constant(true)),
  })
  .map(present);

const streamConfig = fc
  .tuple(
    limits,
    fc.constantFrom('limits', 'limits', 'interest', 'workqueue'),
    fc.constant('file'),
    sometimes(fc.integer({ min: 1, max: 2 })),
  )
  .map(([rest, retention, storage, max_consumers]) => ({
    name: stream,
    subjects: ['r.>'],
    retention,
    storage,
    ...present({ max_consumers }),
    ...rest,
  }));

const consumerConfig = fc
  .record({
    ack_policy: fc.constantFrom('explicit', 'explicit', 'explicit', 'all', 'none'),
    deliver_policy: fc.constantFrom('all', 'all', 'all', 'last', 'new', 'by_start_sequence'),
    opt_start_seq: sequence,
    max_deliver: rarely(fc.integer({ min: 1, max: 3 })),
    max_ack_pending: sometimes(fc.integer({ min: 1, max: 4 })),
    headers_only: sometimes(fc.constant(true)),
  })
  .map(({ opt_start_seq, ...rest }) =>
    present({
      ...rest,
      opt_start_seq: rest.deliver_policy === 'by_start_sequence' ? opt_start_seq : undefined,
    }),
  );

/** A consumer keeps the filter that its name has in the script: nats-server loses track when a filter is changed. */
type Filters = Readonly<Record<string, string | undefined>>;
type Unfiltered = { readonly consumer: string; readonly config: Record<string, unknown> };

const addConsumer: fc.Arbitrary<Unfiltered> = fc.record({ consumer, config: consumerConfig });

function filtered({ consumer: durable_name, config }: Unfiltered, filters: Filters): Step {
  const filter_subject = filters[durable_name];
  return {
    api: `CONSUMER.DURABLE.CREATE.${stream}.${durable_name}`,
    body: { stream_name: stream, config: present({ durable_name, ...config, filter_subject }) },
  };
}

const publishWith = (rollUps: readonly string[]): fc.Arbitrary<Step> =>
  fc
    .record({
      to: subject,
      body: fc.string({ unit: fc.constantFrom('x', 'y', 'z'), maxLength: 22 }),
      headers: fc.record({
        'Nats-Msg-Id': sometimes(fc.constantFrom('m1', 'm2', 'm3')),
        'Nats-Rollup': rollUps.length === 0 ? fc.constant(undefined) : rarely(fc.constantFrom(...rollUps)),
        'Nats-Expected-Last-Sequence': rarely(sequence.map(String)),
        'Nats-Expected-Last-Subject-Sequence': rarely(fc.nat(12).map(String)),
      }),
    })
    .map(({ to, body, headers }) => ({
      publish: to,
      body,
      headers: present(headers) as Record<string, string>,
    }));

const pull = fc
  .tuple(consumer, fc.integer({ min: 1, max: 5 }))
  .map(([name, batch]): Step => ({ pull: name, stream, request: { batch, no_wait: true } }));

const acknowledge = fc
  .tuple(fc.nat(9), fc.constantFrom('+ACK', '+ACK', '+ACK', '', '-NAK', '-NAK', '+TERM', '+WPI'))
  .map(([place, kind]): Step => ({ acknowledge: place, kind }));

const keep = sometimes(fc.integer({ min: 1, max: 3 }));
const purge = (how: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<Step> =>
  how.map((body) => ({ api: `STREAM.PURGE.${stream}`, body: present(body) }));

const byFilter = (verb: string, key: string) =>
  filter.map((value): Step => ({ api: `${verb}.${stream}`, body: { [key]: value } }));
const bySequence = (verb: string) =>
  sequence.map((seq): Step => ({ api: `${verb}.${stream}`, body: { seq } }));

const state: Step = { api: `STREAM.INFO.${stream}`, body: { subjects_filter: '>', deleted_details: true } };

/** What can be done to a stream, whether or not it has consumers. */
const streamSteps: readonly fc.WeightedArbitrary<Step>[] = [
  { weight: 1, arbitrary: fc.constant(state) },
  { weight: 1, arbitrary: bySequence('STREAM.MSG.GET') },
  { weight: 2, arbitrary: bySequence('STREAM.MSG.DELETE') },
  {
    weight: 1,
    arbitrary: limits.map(
      ({ max_msgs_per_subject: _, ...rest }): Step => ({
        api: `STREAM.UPDATE.${stream}`,
        body: { name: stream, subjects: ['r.>'], ...rest },
      }),
    ),
  },
];

const streamStep = fc.oneof(
  ...streamSteps,
  { weight: 1, arbitrary: byFilter('STREAM.MSG.GET', 'last_by_subj') },
  { weight: 12, arbitrary: publishWith(['sub', 'all']) },
  {
    weight: 1,
    arbitrary: purge(
      fc.oneof(fc.record({ filter, keep }), fc.record({ filter, seq: fc.integer({ min: 2, max: 6 }) })),
    ),
  },
);

const consumerSteps: readonly fc.WeightedArbitrary<Step | Unfiltered>[] = [
  ...streamSteps,
  { weight: 7, arbitrary: pull },
  { weight: 7, arbitrary: acknowledge },
  { weight: 2, arbitrary: addConsumer },
  { weight: 1, arbitrary: consumer.map((name): Step => ({ api: `CONSUMER.INFO.${stream}.${name}` })) },
  { weight: 1, arbitrary: consumer.map((name): Step => ({ api: `CONSUMER.DELETE.${stream}.${name}` })) },
];

const consumerStep = fc.oneof(...consumerSteps, { weight: 12, arbitrary: publishWith([]) });

const purgedConsumerStep = fc.oneof(
  ...consumerSteps,
  { weight: 12, arbitrary: publishWith(['all']) },
  { weight: 2, arbitrary: purge(fc.constant({})) },
);

/**
 * Once the newest message of a subject was removed by itself, by a deletion or by whoever was done with it, nats-server takes the subject
 * for empty: from then on nobody asks which message is its last.
 */
function withoutLastOfSubject({ retention }: { readonly retention: string }, steps: readonly Step[]): Step[] {
  const firstDeleted = steps.findIndex((step) => 'api' in step && step.api.startsWith('STREAM.MSG.DELETE.'));
  const deleted = firstDeleted < 0 ? steps.length : firstDeleted;
  const from = retention === 'limits' ? deleted : 0;
  return steps.flatMap((step, at): Step[] => {
    if (at < from) return [step];
    if ('publish' in step) {
      const { 'Nats-Expected-Last-Subject-Sequence': _, ...headers } = step.headers ?? {};
      return [{ ...step, headers }];
    }
    const asks = 'api' in step && JSON.stringify(step.body ?? '').includes('last_by_subj');
    return asks ? [] : [step];
  });
}

/**
 * A message that goes while a consumer has it counts as acknowledged. Where one acknowledgement is for all before, nats-server takes
 * those for acknowledged as well, and never delivers them again: so none goes before those that are older.
 */
function withoutGaps(steps: readonly Step[]): Step[] {
  if (!steps.some((step) => 'api' in step && JSON.stringify(step.body ?? '').includes('"ack_policy":"all"')))
    return [...steps];
  return steps.flatMap((step): Step[] => {
    if (!('api' in step)) return [step];
    if (step.api.startsWith('STREAM.MSG.DELETE.')) return [];
    if (!step.api.startsWith('STREAM.CREATE.')) return [step];
    const {
      max_msgs_per_subject: _,
      discard_new_per_subject: __,
      ...body
    } = step.body as Record<string, unknown>;
    return [{ ...step, body }];
  });
}

/** What there is at the end: the state of everything, and what every consumer still has to give. */
const inventory: readonly Step[] = [
  state,
  ...Array.from({ length: 12 }, (_, i): Step => ({ api: `STREAM.MSG.GET.${stream}`, body: { seq: i + 1 } })),
  ...consumers.flatMap((name): Step[] => [
    { api: `CONSUMER.INFO.${stream}.${name}` },
    { pull: name, stream, request: { batch: 50, no_wait: true } },
    { api: `CONSUMER.INFO.${stream}.${name}` },
  ]),
  state,
  { api: `STREAM.DELETE.${stream}` },
];

const streamScript = fc
  .record({ config: streamConfig, steps: fc.array(streamStep, { minLength: 5, maxLength: 60 }) })
  .map(({ config, steps }): Step[] => [
    { api: `STREAM.CREATE.${stream}`, body: config },
    ...withoutLastOfSubject(config, steps),
    ...inventory,
  ]);

const consumerScript = (step: fc.Arbitrary<Step | Unfiltered>): fc.Arbitrary<Step[]> =>
  fc
    .record({
      config: streamConfig,
      filters: fc.record({
        one: sometimes(filter, 3),
        two: sometimes(filter, 3),
        three: sometimes(filter, 3),
      }),
      first: fc.array(addConsumer, { minLength: 1, maxLength: 2 }),
      steps: fc.array(step, { minLength: 5, maxLength: 60 }),
    })
    .map(({ config, filters, first, steps }) => [
      ...withoutGaps([
        { api: `STREAM.CREATE.${stream}`, body: config },
        ...withoutLastOfSubject(
          config,
          [...first, ...steps].map((one) => ('consumer' in one ? filtered(one, filters) : one)),
        ),
      ]),
      ...inventory,
    ]);

export interface RandomScripts {
  readonly name: string;
  readonly scripts: fc.Arbitrary<Step[]>;
  /** Whether a purge has left the places of consumers to the taste of the server. */
  readonly placesDiffer: boolean;
}

export const randomScripts: readonly RandomScripts[] = [
  { name: 'about a stream', scripts: streamScript, placesDiffer: false },
  { name: 'about consumers', scripts: consumerScript(consumerStep), placesDiffer: false },
  {
    name: 'about consumers of a purged stream',
    scripts: consumerScript(purgedConsumerStep),
    placesDiffer: true,
  },
];
