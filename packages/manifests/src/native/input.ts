import type { ConfigEntries, FlinkVersion } from '@drey/flink';
import type { Pod } from '../kubernetes/objects.ts';

/** Which cluster is deployed: one that runs one application, or one that jobs are submitted to. */
export type ClusterTarget = 'application' | 'session';

/** `legacy` is `flink-conf.yaml`, `yaml` is `config.yaml`. */
export type ConfigFileFormat = 'legacy' | 'yaml';

/** What Flink's client would read from files; the builders are given the contents. */
export interface ClientFiles {
  /** Template of the JobManager's pod. */
  readonly jobManagerTemplate?: Pod;
  /**
   * Template of the TaskManagers' pods: the text goes into a ConfigMap as it is (the JobManager reads it there), the
   * parsed form is what the JobManager makes of it.
   */
  readonly taskManagerTemplate?: { readonly text: string; readonly pod: Pod };
  /** Logging files of the client's configuration directory, by name. */
  readonly logging?: Readonly<Record<string, string>>;
  /** Files of the client's Hadoop configuration directory (`core-site.xml`, `hdfs-site.xml`), by name. */
  readonly hadoopConf?: Readonly<Record<string, string>>;
  /** The keytab that `security.kerberos.login.keytab` names: its file name, and its bytes in base64. */
  readonly keytab?: { readonly name: string; readonly base64: string };
  /** The file that `security.kerberos.krb5-conf.path` names. */
  readonly krb5Conf?: { readonly name: string; readonly text: string };
}

/** Everything that decides which objects a cluster consists of, native or standalone. */
export interface ClusterInput {
  readonly flinkVersion: FlinkVersion;
  readonly target: ClusterTarget;
  readonly clusterId: string;
  /** The flat Flink configuration as the client holds it. */
  readonly configuration: ConfigEntries;
  readonly files?: ClientFiles;
  /** Format of the file that the pods get. Absent: `yaml` from 1.19 on; 2.0 and later know no other. */
  readonly configFile?: ConfigFileFormat;
}
