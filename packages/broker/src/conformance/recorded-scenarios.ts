/** The scenarios that both servers have to answer alike, grouped by the configuration they need. */
import type { EngineOptions } from './engine.ts';
import type { Scenario, Step } from './scenario.ts';

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n';
const PEDANTIC = 'CONNECT {"verbose":false,"pedantic":true}\r\n';
const VERBOSE = 'CONNECT {"verbose":true,"pedantic":false}\r\n';
const LONG = 'a'.repeat(5_000);

/** What one client sends after it is connected. */
function session(name: string, send: string, wait?: Step['wait']): Scenario {
  return { name, steps: [{ client: 'a', send, ...(wait && { wait }) }] };
}

function violation(name: string, send: string): Scenario {
  return session(name, send, 'close');
}

function conversation(
  name: string,
  ...lines: readonly (readonly [client: string, send: string])[]
): Scenario {
  const names = [...new Set(lines.map(([client]) => client))];
  return {
    name,
    steps: [
      ...names.map((client) => ({ client, send: CONNECT })),
      ...lines.map(([client, send]) => ({ client, send })),
    ],
  };
}

function pub(subject: string, body = '', reply = ''): string {
  return `PUB ${subject} ${reply === '' ? '' : `${reply} `}${body.length}\r\n${body}\r\n`;
}

const HEADERS = 'NATS/1.0\r\nA: b\r\n\r\n';

function hpub(subject: string, body = '', reply = ''): string {
  const sizes = `${HEADERS.length} ${HEADERS.length + body.length}`;
  return `HPUB ${subject} ${reply === '' ? '' : `${reply} `}${sizes}\r\n${HEADERS}${body}\r\n`;
}

const delivery: Scenario[] = [
  conversation(
    'plain subscriptions',
    ['a', 'SUB x 1\r\n'],
    ['b', 'SUB x 1\r\nSUB y 2\r\n'],
    ['a', pub('x', 'hi')],
  ),
  conversation('own messages', ['a', `SUB x 1\r\n${pub('x', 'one')}${pub('x', 'two')}`]),
  conversation(
    'wildcards',
    ['a', 'SUB x.* 1\r\nSUB x.> 2\r\nSUB > 3\r\nSUB *.b 4\r\nSUB x.b 5\r\nSUB *.*.* 6\r\n'],
    ['b', ['x', 'x.b', 'y.b', 'x.b.c', 'x.b.c.d'].map((subject) => pub(subject, subject)).join('')],
  ),
  conversation(
    'wildcard characters within tokens are ordinary',
    ['a', 'SUB a*b 1\r\nSUB a*b.> 2\r\nSUB a>.* 3\r\n'],
    ['b', ['a*b', 'aXb', 'a*b.c', 'a>.c'].map((subject) => pub(subject)).join('')],
  ),
  conversation(
    'publishing to wildcards',
    ['a', 'SUB > 1\r\nSUB a.* 2\r\nSUB a.b 3\r\n'],
    ['b', pub('a.*') + pub('a.>') + pub('>')],
  ),
  conversation(
    'publishing to empty tokens',
    ['a', 'SUB > 1\r\n'],
    ['b', pub('a..b') + pub('a.') + pub('.a') + pub('a')],
  ),
  conversation(
    'reply subjects are passed on as they are',
    ['a', 'SUB x 1\r\n'],
    ['b', pub('x', '', 'in.*') + pub('x', 'y', 'in')],
  ),
  conversation(
    'headers',
    ['a', 'SUB x 1\r\n'],
    ['b', hpub('x', 'hi') + hpub('x', '', 're') + pub('x', 'plain')],
  ),
  conversation('a header block of no bytes', ['a', 'SUB x 1\r\n'], ['b', 'HPUB x 0 2\r\nhi\r\n']),
  conversation('a header block that is none', ['a', 'SUB x 1\r\n'], ['b', 'HPUB x 2 4\r\nxxhi\r\n']),
  conversation(
    'payloads with line ends',
    ['a', 'SUB x 1\r\n'],
    ['b', pub('x', '\r\nPING\r\n') + pub('x', '\n')],
  ),
  conversation(
    'bytes that are not UTF-8',
    ['a', 'SUB \xff\xfe.* \xc3 1\r\nSUB \xe9.> 2\r\n'],
    ['b', pub('\xff\xfe.b') + pub('\xe9.\0', '\x80')],
  ),
  conversation(
    'the first of two subscriptions with one id counts',
    ['a', 'SUB x 1\r\nSUB y 1\r\n'],
    ['b', pub('x') + pub('y')],
    ['a', 'UNSUB 1\r\n'],
    ['b', pub('x') + pub('y')],
  ),
  conversation(
    'two groups and a plain subscription each get a message',
    ['a', 'SUB x q 1\r\nSUB x r 2\r\nSUB x 3\r\n'],
    ['b', 'SUB x q 1\r\nSUB x r 2\r\n'],
    ['c', Array.from({ length: 20 }, (_, i) => pub('x', String(i))).join('')],
  ),
  conversation(
    'a group over overlapping patterns gets a message once',
    ['a', 'SUB x.y q 1\r\nSUB x.* q 2\r\nSUB > q 3\r\n'],
    ['b', 'SUB *.y q 1\r\nSUB x.y other 2\r\n'],
    ['c', Array.from({ length: 20 }, (_, i) => pub('x.y', String(i))).join('')],
  ),
  conversation(
    'a group outlives its members',
    ['a', 'SUB x q 1\r\n'],
    ['b', 'SUB x q 1\r\n'],
    ['a', 'UNSUB 1\r\n'],
    ['c', pub('x', 'one')],
    ['b', 'UNSUB 1\r\n'],
    ['c', pub('x', 'two')],
  ),
  {
    name: 'a group whose only other member is the publisher without echo',
    steps: [
      { client: 'a', send: 'CONNECT {"verbose":false,"echo":false}\r\nSUB x q 1\r\nSUB x q 2\r\n' },
      { client: 'b', send: `${CONNECT}SUB x q 1\r\n` },
      { client: 'a', send: Array.from({ length: 20 }, (_, i) => pub('x', String(i))).join('') },
    ],
  },
  {
    name: 'echo switched off',
    steps: [
      { client: 'a', send: 'CONNECT {"verbose":false,"echo":false}\r\nSUB x 1\r\nSUB x q 2\r\n' },
      { client: 'b', send: `${CONNECT}SUB x 1\r\n` },
      { client: 'a', send: pub('x', 'one') },
      { client: 'b', send: pub('x', 'two') },
    ],
  },
  {
    name: 'a client without headers gets the payload alone',
    steps: [
      { client: 'a', send: 'CONNECT {"verbose":false,"headers":false}\r\nSUB x 1\r\n' },
      { client: 'b', send: `${CONNECT}${hpub('x', 'hi', 're')}${hpub('x')}` },
    ],
  },
  {
    name: 'a client without CONNECT is served, verbosely',
    steps: [{ client: 'a', send: `SUB x 1\r\n${pub('x', 'hi')}UNSUB 1\r\n` }],
  },
  {
    name: 'chunks that end anywhere',
    steps: [
      { client: 'a', send: `${CONNECT}SU`, wait: 'nothing' },
      { client: 'a', send: 'B x', wait: 'nothing' },
      { client: 'a', send: ' 1\r', wait: 'nothing' },
      { client: 'a', send: '\nPUB x 5', wait: 'nothing' },
      { client: 'a', send: '\r\nhe', wait: 'nothing' },
      { client: 'a', send: 'llo\r', wait: 'nothing' },
      { client: 'a', send: '\n' },
    ],
  },
];

const unsubscribing: Scenario[] = [
  conversation('at once', ['a', `SUB x 1\r\n${pub('x')}UNSUB 1\r\n${pub('x')}`]),
  conversation('after a maximum', [
    'a',
    `SUB x 1\r\nUNSUB 1 2\r\n${pub('x', '1')}${pub('x', '2')}${pub('x', '3')}`,
  ]),
  conversation('a maximum that is already reached', [
    'a',
    `SUB x 1\r\n${pub('x')}${pub('x')}UNSUB 1 2\r\n${pub('x')}`,
  ]),
  conversation('a maximum made smaller', [
    'a',
    `SUB x 1\r\nUNSUB 1 5\r\n${pub('x')}${pub('x')}UNSUB 1 1\r\n${pub('x')}`,
  ]),
  conversation('a maximum made larger', [
    'a',
    `SUB x 1\r\nUNSUB 1 1\r\nUNSUB 1 2\r\n${pub('x')}${pub('x')}${pub('x')}`,
  ]),
  conversation('a maximum of nothing, or not a number', [
    'a',
    `SUB x 1\r\nSUB x 2\r\nSUB x 3\r\nUNSUB 1 0\r\nUNSUB 2 x\r\nUNSUB 3 -1\r\n${pub('x')}`,
  ]),
  conversation('an id that is free again', [
    'a',
    `SUB x 1\r\nUNSUB 1 1\r\n${pub('x')}SUB y 1\r\n${pub('x')}${pub('y')}`,
  ]),
  session('an unknown id', `${VERBOSE}UNSUB 9\r\n`),
];

const noResponders: Scenario[] = [
  conversation('the asker is told', [
    'a',
    `SUB in.* 7\r\n${pub('nobody', 'x', 'in.1')}${hpub('nobody', 'x', 'in.2')}`,
  ]),
  conversation('nobody is told without a subscription for the reply', ['a', pub('nobody', 'x', 'in.1')]),
  conversation('a queue subscription for the reply is not told', [
    'a',
    `SUB in q 7\r\n${pub('nobody', 'x', 'in')}`,
  ]),
  conversation(
    'others that listen to the reply subject are not told',
    ['b', 'SUB in 1\r\n'],
    ['a', `SUB in 8\r\n${pub('nobody', 'x', 'in')}`],
  ),
  conversation('the answer does not count towards a maximum', [
    'a',
    `SUB in 8\r\nUNSUB 8 1\r\n${pub('nobody', '', 'in')}${pub('nobody', '', 'in')}`,
  ]),
  conversation(
    'there is a responder',
    ['b', 'SUB svc q 1\r\n'],
    ['a', `SUB in 8\r\n${pub('svc', '', 'in')}`],
  ),
  {
    name: 'a client without echo that asks itself',
    steps: [
      {
        client: 'a',
        send: `${CONNECT.replace('"headers"', '"echo":false,"headers"')}SUB in 8\r\nSUB me 9\r\n${pub('me', '', 'in')}`,
      },
    ],
  },
  session(
    'a client that did not ask for it',
    `CONNECT {"verbose":false,"headers":true}\r\nSUB in 8\r\n${pub('nobody', '', 'in')}`,
  ),
  session(
    'system requests have no responder',
    `${CONNECT}SUB in 1\r\n${pub('$SYS.REQ.SERVER.PING', '', 'in')}`,
  ),
];

const answers: Scenario[] = [
  session('verbose', `${VERBOSE}${pub('a', 'ok')}SUB a 1\r\nPONG\r\nUNSUB 1\r\n+OK\r\nINFO {}\r\n`),
  session('verbose publishing to oneself', `${VERBOSE}SUB a 1\r\n${pub('a', 'hi')}${pub('b', 'hi')}`),
  session('verbose and an invalid subscription', `${VERBOSE}SUB .a 1\r\nSUB a 1\r\n`),
  session(
    'pedantic publishing',
    `${PEDANTIC}SUB > 1\r\n${pub('a.*')}${pub('a..b', 'ok')}${pub('a.')}${pub('a.b')}${pub('a', '', 'x.*')}`,
  ),
  session('pedantic by default', `CONNECT {"verbose":false}\r\n${pub('a.*')}`),
  session(
    'invalid subscriptions',
    `${CONNECT}SUB a..b 1\r\nSUB a.>.b 2\r\nSUB >.a 3\r\nSUB .a 4\r\nSUB a. 5\r\nSUB a\fb 6\r\n`,
  ),
  session('an id is free after an invalid subscription', `${CONNECT}SUB a..b 1\r\nSUB a 1\r\n${pub('a')}`),
  session(
    'tabs, runs of spaces, bare newlines, any case',
    `${CONNECT}sUb\ta   1 \nPub\t a\t 02 \r\nok\r\nping\nPING x\r\nPONGx\r\n+OKx\r\n`,
  ),
  session(
    'a carriage return separates in SUB and not in PUB',
    `${CONNECT}SUB a\rb 1\r\nSUB a 2\r\r\n${pub('a')}${pub('a\rb')}`,
  ),
  session('options can be given again', `${VERBOSE}CONNECT {"verbose":false}\r\nSUB a 1\r\n`),
  session('CONNECT as null, or with null', 'CONNECT null\r\nCONNECT {"verbose":null}\r\n'),
  session('CONNECT without a space, names in capitals', 'CONNECT{"VERBOSE":false}\r\nSUB a 1\r\n'),
  session('unknown options', 'CONNECT {"flotilla":{"a":[1]},"verbose":false}\r\n'),
  session('a line of nearly the longest length', `${CONNECT}SUB ${'a'.repeat(4_090)} 1\r\n`),
  session('a payload of exactly the largest size', `${CONNECT}SUB a 1\r\n${pub('a', 'x'.repeat(1_024))}`),
];

const violations: Scenario[] = [
  violation('an unknown verb', 'FOO\r\n'),
  violation('an unknown verb without a line end', 'FO'),
  violation('an empty line', `${CONNECT}\r\n`),
  violation('MSG from a client', `${CONNECT}MSG a 1 0\r\n\r\n`),
  violation('HMSG from a client', `${CONNECT}HMSG a 1 1 1\r\n`),
  violation('server operations', `${CONNECT}RS+ a b\r\n`),
  violation('a verb run into its argument', `${CONNECT}SUBa 1\r\n`),
  violation('PUB without arguments', `${CONNECT}PUB \r\n`),
  violation('PUB without a size', `${CONNECT}PUB a\r\n`),
  violation('PUB with a size that is no number', `${CONNECT}PUB a x\r\n`),
  violation('PUB with a negative size', `${CONNECT}PUB a -1\r\n`),
  violation('PUB with ten digits', `${CONNECT}PUB a 0000000001\r\n`),
  violation('PUB with a number beyond reason', `${CONNECT}PUB a 99999999999\r\n`),
  violation('PUB with too many arguments', `${CONNECT}PUB a b c 1\r\n`),
  violation('a payload above the limit', `${CONNECT}PUB a 1025\r\n`),
  violation('headers and payload above the limit', `${CONNECT}HPUB a 12 2000\r\n`),
  violation('a payload longer than announced', `${CONNECT}PUB a 2\r\nokxx\r\n`),
  violation('a payload that ends in a bare newline', `${CONNECT}PUB a 2\r\nok\nPING\r\n`),
  violation('HPUB from a client without headers', `${VERBOSE}HPUB a 12 12\r\n`),
  violation('HPUB with headers longer than everything', `${CONNECT}HPUB a 14 12\r\n`),
  violation('HPUB with a negative size', `${CONNECT}HPUB a -1 2\r\n`),
  violation('HPUB with one size', `${CONNECT}HPUB a 14\r\n`),
  violation('HPUB with too many arguments', `${CONNECT}HPUB a b c 1 2\r\n`),
  violation('SUB without arguments', `${CONNECT}SUB  \r\n`),
  violation('SUB without an id', `${CONNECT}SUB a\r\n`),
  violation('SUB with too many arguments', `${CONNECT}SUB a b c d\r\n`),
  violation('UNSUB without arguments', `${CONNECT}UNSUB\r\n`),
  violation('UNSUB with too many arguments', `${CONNECT}UNSUB 1 2 3\r\n`),
  violation('a line above the limit', `${CONNECT}SUB ${LONG} 1\r\n`),
  violation('a line without end', `${CONNECT}SUB ${LONG}`),
  violation('CONNECT above the limit', `CONNECT {"name":"${LONG}"}\r\n`),
  violation('CONNECT that is not JSON', 'CONNECT {\r\n'),
  violation('CONNECT that is nothing', 'CONNECT\r\n'),
  violation('CONNECT with something behind it', 'CONNECT {} x\r\n'),
  violation('CONNECT that is an array', 'CONNECT []\r\n'),
  violation('CONNECT that is a string', 'CONNECT "x"\r\n'),
  violation('CONNECT with an option of the wrong kind', 'CONNECT {"verbose":"x"}\r\n'),
  violation('CONNECT with a protocol of the wrong kind', 'CONNECT {"protocol":"1"}\r\n'),
  violation('a protocol of the future', 'CONNECT {"protocol":2}\r\n'),
  violation('a negative protocol', 'CONNECT {"protocol":-1}\r\n'),
  violation('no responders without headers', 'CONNECT {"no_responders":true}\r\n'),
  violation('an error from the client', `${CONNECT}-ERR 'x'\r\n`),
  violation('an error without a space', `${CONNECT}-ERRx\r\n`),
  violation('half of +OK', `${CONNECT}+Ox\r\n`),
  violation('INFO that is not JSON', `${CONNECT}INFO {\r\n`),
  violation('INFO that is not an object', `${CONNECT}INFO 2\r\n`),
  violation('INFO without arguments', `${CONNECT}INFO\r\n`),
];

const withToken: Scenario[] = [
  session('the token opens the connection', `CONNECT {"auth_token":"secret"}\r\nSUB a 1\r\n${pub('a')}`),
  violation('a wrong token', 'CONNECT {"auth_token":"x"}\r\n'),
  violation('no token', 'CONNECT {}\r\n'),
  violation('a wrong token and a wrong protocol', 'CONNECT {"auth_token":"x","protocol":3}\r\n'),
  violation('the right token and a wrong protocol', 'CONNECT {"auth_token":"secret","protocol":3}\r\n'),
  violation('an operation before CONNECT', 'PING\r\n'),
  violation('garbage before CONNECT', 'X\r\n'),
  violation('almost CONNECT', 'CZ'),
  violation('CONNECT that is not JSON, before there is a token', 'CONNECT {\r\n'),
  violation(
    'a second CONNECT with a wrong token',
    'CONNECT {"auth_token":"secret"}\r\nCONNECT {"auth_token":"x"}\r\n',
  ),
  violation('a client that says nothing', ''),
];

const withUsers: Scenario[] = [
  session('the first user', 'CONNECT {"user":"ann","pass":"one"}\r\n'),
  session('the second user', 'CONNECT {"user":"bob","pass":"two"}\r\n'),
  violation('the password of another user', 'CONNECT {"user":"ann","pass":"two"}\r\n'),
  violation('no password', 'CONNECT {"user":"ann"}\r\n'),
  violation('a token that is nobody’s', 'CONNECT {"auth_token":"one"}\r\n'),
];

const withFewSubscriptions: Scenario[] = [
  session(
    'subscriptions above the limit are refused, the connection stays',
    `${VERBOSE}SUB a 1\r\nSUB a 2\r\nSUB a 3\r\nSUB a 2\r\n${pub('a')}UNSUB 1\r\nSUB a 3\r\n${pub('a')}`,
  ),
];

export interface Suite {
  readonly name: string;
  readonly options: EngineOptions;
  readonly scenarios: readonly Scenario[];
}

export const suites: readonly Suite[] = [
  { name: 'delivery', options: {}, scenarios: delivery },
  { name: 'unsubscribing', options: {}, scenarios: unsubscribing },
  { name: 'no responders', options: {}, scenarios: noResponders },
  { name: 'answers', options: { limits: { maxPayload: 1_024 } }, scenarios: answers },
  { name: 'violations', options: { limits: { maxPayload: 1_024 } }, scenarios: violations },
  {
    name: 'a token',
    options: { credentials: [{ token: 'secret' }], limits: { authTimeoutMs: 500 } },
    scenarios: withToken,
  },
  {
    name: 'users',
    options: {
      credentials: [
        { user: 'ann', password: 'one' },
        { user: 'bob', password: 'two' },
      ],
    },
    scenarios: withUsers,
  },
  {
    name: 'few subscriptions',
    options: { limits: { maxSubscriptions: 2 } },
    scenarios: withFewSubscriptions,
  },
];
