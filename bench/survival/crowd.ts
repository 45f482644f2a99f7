/** Many members in one process, which announce themselves and do nothing else. */
import { type FleetMember, joinFleet } from 'flotilla';
import type { JoinQuestion } from './client.ts';
import { answerQuestions } from './conversation.ts';

const members: FleetMember[] = [];

const questions = {
  async join({ instance, count, ...rest }: JoinQuestion & { readonly count: number }): Promise<void> {
    for (let index = 1; index <= count; index++) {
      const name = `${instance}-${index}`;
      const member = await joinFleet({ ...rest, service: instance, instance: name });
      member.discovery.announce({
        service: instance,
        instance: name,
        version: '1.0.0',
        contract: '',
        address: '',
        zone: 'local',
        weight: 1,
        state: 'ready',
        startedAt: Date.now(),
        pid: process.pid,
      });
      members.push(member);
    }
  },
};

export type CrowdQuestions = typeof questions;

answerQuestions(questions);
