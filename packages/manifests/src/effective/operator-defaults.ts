import { operatorDefaultPrefixes } from '@drey/flink';

/** Packages that Flink reaches into and that Java 17 and later close: to be exported, and to be opened for reflection. */
const EXPORTS = ['java.base/sun.net.util', 'java.rmi/sun.rmi.registry', 'java.security.jgss/sun.security.krb5'];
const OPENS = [
  'lang',
  'net',
  'io',
  'nio',
  'sun.nio.ch',
  'lang.reflect',
  'text',
  'time',
  'util',
  'util.concurrent',
  'util.concurrent.atomic',
  'util.concurrent.locks',
].map((name) => `java.base/${name.startsWith('sun.') ? name : `java.${name}`}`);

const JAVA_OPTIONS = [
  ...EXPORTS.map((name) => `--add-exports=${name}=ALL-UNNAMED`),
  ...OPENS.map((name) => `--add-opens=${name}=ALL-UNNAMED`),
].join(' ');

/**
 * The operator’s configuration where none is given. The Java options are needed because the mounted configuration hides
 * the one in the image, which holds them; 1.19 and later have an option of their own for such defaults.
 */
export const DEFAULT_OPERATOR_CONFIG: Readonly<Record<string, string>> = {
  'taskmanager.numberOfTaskSlots': '1',
  'parallelism.default': '1',
  [`${operatorDefaultPrefixes.flinkVersion}v1_18.env.java.opts.all`]: JAVA_OPTIONS,
  [`${operatorDefaultPrefixes.flinkVersion}v1_19+.env.java.default-opts.all`]: JAVA_OPTIONS,
};
