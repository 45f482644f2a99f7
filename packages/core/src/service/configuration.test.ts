import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { environmentName, readConfiguration } from './configuration.ts';

const Config = z.object({
  startingCash: z.number().positive(),
  demoAccounts: z.boolean().default(false),
  title: z.string(),
  symbols: z.array(z.string()).optional(),
});

test('fields are read from the environment in their types, with defaults', async () => {
  const environment = { STARTING_CASH: '12.5', TITLE: '42', SYMBOLS: '["A","B"]' };
  assert.deepEqual(await readConfiguration('shop', Config, environment), {
    startingCash: 12.5,
    demoAccounts: false,
    title: '42',
    symbols: ['A', 'B'],
  });
});

test('one error lists everything that is wrong, with the variables to set', async () => {
  await assert.rejects(
    readConfiguration('shop', Config, { STARTING_CASH: 'much', DEMO_ACCOUNTS: 'yes' }),
    (error: Error) => {
      assert.match(error.message, /shop cannot start/);
      assert.match(error.message, /STARTING_CASH: /);
      assert.match(error.message, /DEMO_ACCOUNTS: /);
      assert.match(error.message, /TITLE is not set/);
      return true;
    },
  );
});

test('names of variables are the fields in capitals', () => {
  assert.equal(environmentName('startingCash'), 'STARTING_CASH');
  assert.equal(environmentName('a1B'), 'A1_B');
});
