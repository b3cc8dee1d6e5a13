package io.llatte.demo;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.PatternLayout;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import ch.qos.logback.core.spi.ContextAwareBase;
import org.slf4j.LoggerFactory;

/// Logging to standard error: our warnings as notes to the user, and everything of ours and of llama.cpp, with time and origin, with
/// `--verbose`. In code, because reading an XML file would be a third of the start; a file named by `-Dlogback.configurationFile` comes first.
public final class LogSetup extends ContextAwareBase implements Configurator {

    private static final String LLAMA_CPP = "io.llatte.llama.cpp";
    private static final String PROBE = "io.llatte.Probe";

    private static volatile boolean verbose;

    /// For the service loader.
    public LogSetup() {
    }

    @Override
    public ExecutionStatus configure(LoggerContext loggers) {
        if (System.getProperty("logback.configurationFile") != null) {
            return ExecutionStatus.INVOKE_NEXT_IF_ANY;
        }
        var appender = new StandardError();
        appender.setContext(loggers);
        appender.start();
        Logger root = loggers.getLogger(Logger.ROOT_LOGGER_NAME);
        root.setLevel(Level.WARN);
        root.addAppender(appender);
        // What matters of these comes as an exception.
        loggers.getLogger(LLAMA_CPP).setLevel(Level.OFF);
        loggers.getLogger(PROBE).setLevel(Level.OFF);
        return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
    }

    static void verbose() {
        verbose = true;
        if (LoggerFactory.getILoggerFactory() instanceof LoggerContext loggers) {
            loggers.getLogger("io.llatte").setLevel(Level.DEBUG);
            loggers.getLogger(LLAMA_CPP).setLevel(Level.DEBUG);
            loggers.getLogger(PROBE).setLevel(Level.DEBUG);
        }
    }

    /// Writes around the progress that may be shown there.
    private static final class StandardError extends AppenderBase<ILoggingEvent> {

        private final PatternLayout details = new PatternLayout();

        @Override
        public void start() {
            details.setContext(getContext());
            details.setPattern("%d{HH:mm:ss.SSS} %-5level %logger{24}: %message%n%ex{short}");
            details.start();
            super.start();
        }

        @Override
        protected void append(ILoggingEvent event) {
            if (verbose) {
                Output.errorLine(details.doLayout(event).stripTrailing());
                return;
            }
            String cause = event.getThrowableProxy() == null ? "" : ": " + event.getThrowableProxy().getClassName() + ": "
                    + event.getThrowableProxy().getMessage();
            Output.note(Failures.oneLine(event.getFormattedMessage() + cause));
        }
    }
}
