import { balancerCases } from './testing/balancer-cases.ts';
import { spreadCases } from './testing/spread-cases.ts';

balancerCases('random');
spreadCases('random');
