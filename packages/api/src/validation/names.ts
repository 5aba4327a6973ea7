import { INVALID_NAME, NAME_PATTERN } from './messages.ts';
import { problem, type ValidationProblem } from './problem.ts';

const NAME = new RegExp(NAME_PATTERN);

/** Checks the name of a deployment: it becomes the name of Services, and Flink adds to it. */
export function checkDeploymentName(name: string, path = 'metadata.name'): ValidationProblem | undefined {
  if (NAME.test(name)) return undefined;
  return problem(
    'E_VALIDATION_NAME',
    path,
    INVALID_NAME.join(name),
    'Choose a name of at most 45 lower-case letters, digits and dashes that begins with a letter and does not end with a dash.',
  );
}
