export {
  type ErrorDocument,
  errorFromDocument,
  FlotillaError,
  type FlotillaErrorOptions,
  platformError,
  toFlotillaError,
} from './flotilla-error.ts';
export { isPlatformCode, type PlatformCode, type PlatformCodeInfo, platformCodes } from './platform-codes.ts';
export { formatIssues, invalidArgument, type ValidationData, type ValidationIssue } from './validation.ts';
