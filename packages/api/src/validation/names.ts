import { problem, type ValidationProblem } from './problem.ts';

const NAME = /^[a-z][-a-z0-9]{0,43}[a-z0-9]$/;

/** Checks the name of a deployment: it becomes the name of Services, and Flink adds to it. */
export function checkDeploymentName(name: string): ValidationProblem | undefined {
  if (NAME.test(name)) return undefined;
  return problem(
    'E_VALIDATION_NAME',
    `The FlinkDeployment name: ${name} is invalid, must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123'), and the length must be no more than 45 characters.`,
    'Choose a name of 2 to 45 lower-case letters, digits and dashes that begins with a letter and does not end with a dash.',
  );
}
