export { buildPowerCut, ForgetfulDisk, type Remains } from './forgetful-disk.ts';
