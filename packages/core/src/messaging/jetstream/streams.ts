/**
 * Makes the streams of a fleet where they are missing, and learns what they are like. Whoever comes first makes a stream; it is
 * then as it is: only its limits follow the options of the service that owns it.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import { describeFamily, partitionsOf, type Topology } from '../topology.ts';
import type { Abilities } from './abilities.ts';
import { type JetStreamApi, nanosecondsPerMs, type StreamConfig, type StreamInfo } from './api.ts';
import { errorNumber, numberOf } from './api-error.ts';

/** All events of one service. */
export interface Family {
  readonly service: string;
  readonly stream: string;
  readonly partitions: number;
}

/** What the owner of a family may say of its stream. */
export interface FamilyLimits {
  /** How long events are kept, in milliseconds; 0: for ever. */
  readonly keepMs?: number;
  /** How many bytes are kept; the oldest go first. */
  readonly maxBytes?: number;
}

export interface StreamsOptions {
  readonly api: JetStreamApi;
  readonly topology: Topology;
  readonly abilities: Abilities;
  /** Copies of each stream in a cluster. Default 3 in a cluster, else 1. */
  readonly replicas?: number;
  /** In which a stream recognises a repeated id, in milliseconds. Default two minutes. */
  readonly duplicateWindowMs?: number;
  readonly log: Logger;
}

const dayMs = 86_400_000;
const defaultKeepMs = 7 * dayMs;
/** People have to find the time to look at dead letters. */
const keepDeadLettersMs = 30 * dayMs;
/** A suspect that is not handed out for so long is forgotten. */
const keepAttemptsMs = dayMs;
const remakeAfterMs = 500;
/** How often a stream is looked for that another process seems to make. */
const looks = 10;
const lookAgainMs = 50;
const defaultDuplicateWindowMs = 120_000;

export class Streams {
  readonly api: JetStreamApi;
  readonly topology: Topology;
  readonly duplicateWindowMs: number;
  readonly #log: Logger;
  readonly #families = new Map<string, Promise<Family>>();
  /** That this process, as the owner, wants for its family. */
  readonly #limits = new Map<string, FamilyLimits>();
  /** Streams that were there: a missing one of them was deleted. */
  readonly #seen = new Set<string>();
  #replicas: number;

  constructor(options: StreamsOptions) {
    const { api, topology, abilities, replicas, duplicateWindowMs = defaultDuplicateWindowMs, log } = options;
    this.duplicateWindowMs = duplicateWindowMs;
    this.api = api;
    this.topology = topology;
    this.#log = log;
    this.#replicas = replicas ?? (abilities.isClustered ? 3 : 1);
  }

  /** The family of a service's events, made where it is missing. Asked for once, and again after a failure. */
  family(service: string, partitions: number): Promise<Family> {
    let family = this.#families.get(service);
    if (!family) {
      family = this.#ensureFamily(service, partitions);
      this.#families.set(service, family);
      family.catch(() => this.#families.delete(service));
    }
    return family;
  }

  /** The family's stream does not answer: next time it is looked for again. */
  forget(service: string): void {
    this.#families.delete(service);
  }

  /** The stream of a family as it is now, made anew where it was removed. */
  async infoOf({ service, stream, partitions }: Family): Promise<StreamInfo> {
    try {
      const info = await this.api.streamInfo(stream);
      await this.#keepLimits(service, info);
      return info;
    } catch (error) {
      if (numberOf(error) !== errorNumber.streamNotFound) throw error;
      this.forget(service);
      await this.family(service, partitions);
      return await this.api.streamInfo(stream);
    }
  }

  /** Lets the limits of a family be those that its owner wants. */
  async limit(service: string, limits: FamilyLimits): Promise<void> {
    this.#limits.set(service, limits);
    await this.#keepLimits(service, await this.api.streamInfo(this.topology.eventStream(service)));
  }

  /** Whoever made the stream, also anew, may not have known the limits that its owner wants. */
  async #keepLimits(service: string, { config }: StreamInfo): Promise<void> {
    const limits = this.#limits.get(service);
    if (!limits) return;
    const { keepMs, maxBytes } = limits;
    const wanted = {
      max_age: (keepMs ?? defaultKeepMs) * nanosecondsPerMs,
      max_bytes: maxBytes ?? -1,
    };
    if (config.max_age === wanted.max_age && config.max_bytes === wanted.max_bytes) return;
    await this.api.updateStream({ ...config, ...wanted });
    this.#log.info('the limits of the events were changed', { stream: config.name, ...wanted });
  }

  ensureDeadLetters(): Promise<StreamInfo> {
    const { topology } = this;
    return this.#ensure({
      ...this.#common(topology.deadLetterStream, [`${topology.fleet}.dead-letters.>`]),
      description: `dead letters of ${topology.fleet}`,
      retention: 'limits',
      max_age: keepDeadLettersMs * nanosecondsPerMs,
    });
  }

  ensureRedrive(): Promise<StreamInfo> {
    const { topology } = this;
    return this.#ensure({
      ...this.#common(topology.redriveStream, [`${topology.fleet}.redrive.>`]),
      description: `messages given back to groups of ${topology.fleet}`,
      retention: 'workqueue',
    });
  }

  /** In memory: what is lost with the broker is only who is suspected, and soon found out again. */
  ensureAttempts(): Promise<StreamInfo> {
    const { topology } = this;
    return this.#ensure({
      ...this.#common(topology.attemptsStream, [`${topology.fleet}.attempts.>`]),
      description: `attempts at work of ${topology.fleet} that went wrong`,
      retention: 'limits',
      storage: 'memory',
      max_msgs_per_subject: 1,
      max_age: keepAttemptsMs * nanosecondsPerMs,
    });
  }

  ensureDelayed(): Promise<StreamInfo> {
    const { topology } = this;
    return this.#ensure({
      ...this.#common(topology.delayedStream, [`${topology.fleet}.delayed.>`]),
      description: `messages of ${topology.fleet} that are not due yet`,
      retention: 'workqueue',
    });
  }

  /** The same configuration as that of the official client's key-value buckets, so that it can read this one. */
  ensureGroups(): Promise<StreamInfo> {
    const { topology } = this;
    return this.#ensure({
      ...this.#common(topology.groupsStream, [`$KV.${topology.groupsBucket}.>`]),
      description: `who reads what in ${topology.fleet}`,
      retention: 'limits',
      discard: 'new',
      max_msgs_per_subject: 1,
      allow_rollup_hdrs: true,
      deny_delete: true,
    });
  }

  /** The stream of one of the platform's own subjects. */
  async ensureOf(subject: string): Promise<void> {
    const { topology } = this;
    if (topology.readDelayedSubject(subject)) await this.ensureDelayed();
    else if (topology.readDeadLetterSubject(subject)) await this.ensureDeadLetters();
    else if (topology.readRedriveSubject(subject)) await this.ensureRedrive();
    else if (subject.startsWith(`${topology.fleet}.attempts.`)) await this.ensureAttempts();
    else if (subject.startsWith(topology.keySubject(''))) await this.ensureGroups();
  }

  async #ensureFamily(service: string, partitions: number): Promise<Family> {
    const { topology } = this;
    const info = await this.#ensure({
      ...this.#common(topology.eventStream(service), [topology.eventSubjects(service)]),
      description: describeFamily(service, partitions),
      retention: 'limits',
      max_age: defaultKeepMs * nanosecondsPerMs,
    });
    const { config } = info;
    await this.#keepLimits(service, info);
    const has = partitionsOf(config.description);
    if (has === undefined) {
      throw platformError(
        'conflict',
        `the stream ${config.name} is not one of Flotilla's: its description does not tell the number of partitions. ` +
          'Remove it, or choose another name for the fleet',
      );
    }
    if (has !== partitions) {
      this.#log.warn(
        'the contract wants another number of partitions than its stream has, which cannot be changed',
        {
          stream: config.name,
          contract: partitions,
          stream_partitions: has,
        },
      );
    }
    return { service, stream: config.name, partitions: has };
  }

  #common(name: string, subjects: readonly string[]) {
    return {
      name,
      subjects,
      storage: 'file',
      discard: 'old',
      num_replicas: this.#replicas,
      duplicate_window: this.duplicateWindowMs * nanosecondsPerMs,
      allow_direct: true,
    } as const;
  }

  async #ensure(config: StreamConfig): Promise<StreamInfo> {
    try {
      const info = await this.api.streamInfo(config.name);
      this.#seen.add(config.name);
      return info;
    } catch (error) {
      if (numberOf(error) !== errorNumber.streamNotFound) throw error;
    }
    // nats-server removes the files of a deleted stream in the background, and with them those of a new one of its name.
    if (this.#seen.delete(config.name)) await delay(remakeAfterMs);
    return await this.#create(config);
  }

  /** @throws `refusal` when it is another stream that has its subjects. */
  async #madeByOther(name: string, refusal: unknown): Promise<StreamInfo> {
    for (let look = 1; look <= looks; look++) {
      try {
        return await this.api.streamInfo(name);
      } catch (error) {
        if (numberOf(error) !== errorNumber.streamNotFound) throw error;
      }
      await delay(lookAgainMs);
    }
    throw refusal;
  }

  async #create(config: StreamConfig): Promise<StreamInfo> {
    try {
      const info = await this.api.createStream(config);
      this.#seen.add(config.name);
      return info;
    } catch (error) {
      const number = numberOf(error);
      // Another process was faster.
      if (number === errorNumber.streamNameInUse) return await this.api.streamInfo(config.name);
      // nats-server also says this while another process makes the same stream.
      if (number === errorNumber.subjectsOverlap) return await this.#madeByOther(config.name, error);
      // Not one that has only stopped: what is stored meanwhile would have too few copies for ever.
      const tooFew =
        number === errorNumber.replicasNotSupported ||
        (number === errorNumber.noSuitablePeers && toFlotillaError(error).code !== 'unavailable');
      if (!tooFew || config.num_replicas === 1) throw error;
      this.#replicas = config.num_replicas - 2;
      this.#log.warn('the cluster has too few servers with storage for the wanted number of replicas', {
        wanted: config.num_replicas,
        taken: this.#replicas,
      });
      return await this.#create({ ...config, num_replicas: this.#replicas });
    }
  }
}
