/** Names that Flink's own client uses; running JobManagers look for them, so they may not differ. */

export const MAIN_CONTAINER_NAME = 'flink-main-container';

export const LABEL_APP = 'app';
export const LABEL_TYPE = 'type';
export const LABEL_COMPONENT = 'component';
export const NATIVE_TYPE = 'flink-native-kubernetes';
export const STANDALONE_TYPE = 'flink-standalone-kubernetes';

export const PORT_NAME_REST = 'rest';
export const PORT_NAME_JOB_MANAGER_RPC = 'jobmanager-rpc';
export const PORT_NAME_BLOB_SERVER = 'blobserver';
export const PORT_NAME_TASK_MANAGER_RPC = 'taskmanager-rpc';

export const REST_PORT = 8081;
export const JOB_MANAGER_RPC_PORT = 6123;
export const BLOB_SERVER_PORT = 6124;
export const TASK_MANAGER_RPC_PORT = 6122;

export const CONFIG_VOLUME = 'flink-config-volume';
export const POD_TEMPLATE_VOLUME = 'pod-template-volume';
export const POD_TEMPLATE_DIR = '/opt/flink/pod-template';
export const TASK_MANAGER_TEMPLATE_FILE = 'taskmanager-pod-template.yaml';
export const HADOOP_VOLUME = 'hadoop-config-volume';
export const HADOOP_CONF_DIR = '/opt/hadoop/conf';
export const KEYTAB_VOLUME = 'kerberos-keytab-volume';
export const KEYTAB_DIR = '/opt/kerberos/kerberos-keytab';
export const KRB5_CONF_VOLUME = 'kerberos-krb5conf-volume';
export const USER_ARTIFACTS_VOLUME = 'user-artifacts-volume';

/** Logging files that the client ships when its configuration directory has them, in the order it looks for them. */
export const LOG_FILES_BEFORE_2_1 = ['logback-console.xml', 'log4j-console.properties'] as const;
/** As {@link LOG_FILES_BEFORE_2_1}, from Flink 2.1 on. */
export const LOG_FILES = [
  'logback.xml',
  'log4j.properties',
  'logback-console.xml',
  'log4j-console.properties',
  'logback-session.xml',
  'log4j-session.properties',
  'log4j-cli.properties',
] as const;

export const APPLICATION_ENTRYPOINT = 'org.apache.flink.kubernetes.entrypoint.KubernetesApplicationClusterEntrypoint';
export const SESSION_ENTRYPOINT = 'org.apache.flink.kubernetes.entrypoint.KubernetesSessionClusterEntrypoint';
