/**
 * The logging configuration that pods get when a FlinkDeployment brings none: everything to standard output, one line an
 * event, time first. Without a file here Flink’s pods would log nothing, since the mounted configuration directory hides
 * the one in the image.
 */
export const DEFAULT_LOG4J_CONSOLE = `# Logging of Flink's pods. Replace it with spec.logConfiguration.
monitorInterval = 30

rootLogger.level = INFO
rootLogger.appenderRef.console.ref = Console

appender.console.type = CONSOLE
appender.console.name = Console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c{1.} [%t] - %m%n%throwable

# Chatty libraries: only what went wrong.
logger.rpc.name = org.apache.pekko
logger.rpc.level = WARN
logger.oldrpc.name = akka
logger.oldrpc.level = WARN
logger.kafka.name = org.apache.kafka
logger.kafka.level = WARN
logger.hadoop.name = org.apache.hadoop
logger.hadoop.level = WARN
logger.zookeeper.name = org.apache.zookeeper
logger.zookeeper.level = WARN
logger.netty.name = org.jboss.netty.channel.DefaultChannelPipeline
logger.netty.level = OFF
`;

/** Logging files by name, as the pods get them. */
export const DEFAULT_LOGGING: Readonly<Record<string, string>> = { 'log4j-console.properties': DEFAULT_LOG4J_CONSOLE };
