export { wholeProgram } from './program.ts';
