package io.llatte.demo;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/// The command `llatte`. Standard output carries answers only; progress, notes and errors go to standard error.
@Command(name = "llatte", mixinStandardHelpOptions = true, versionProvider = LlatteVersion.class, synopsisSubcommandLabel = "COMMAND",
        description = "Talks to language models on this machine.", scope = ScopeType.INHERIT, usageHelpAutoWidth = true,
        exitCodeListHeading = "%nExit codes:%n", exitCodeList = {
            "0:done", "1:what was asked for failed; one line on standard error says why", "2:the command line is wrong",
            "130:interrupted"},
        subcommands = {ChatCommand.class, ServeCommand.class, ModelsCommand.class, PlanCommand.class, InfoCommand.class, InspectCommand.class,
            TokenizeCommand.class, EmbedCommand.class, PerplexityCommand.class, BenchCommand.class})
public final class Llatte implements Runnable {

    @CommandLine.Spec
    private CommandLine.Model.CommandSpec spec;

    private Llatte() {
    }

    /// Runs the command and ends the process with its exit code.
    ///
    /// @param args the command line
    public static void main(String[] args) {
        int exitCode = run(args);
        Output.flush();
        System.exit(exitCode);
    }

    /// Runs the command.
    ///
    /// @return the exit code
    static int run(String... args) {
        var commandLine = new CommandLine(new Llatte());
        commandLine.setOut(Output.writer());
        commandLine.setErr(Output.errorWriter());
        commandLine.setColorScheme(CommandLine.Help.defaultColorScheme(Output.isPlain() ? Ansi.OFF : Ansi.AUTO));
        commandLine.setCaseInsensitiveEnumValuesAllowed(true);
        commandLine.setExecutionExceptionHandler(Failures::failed);
        commandLine.setParameterExceptionHandler(Failures::misused);
        try {
            return commandLine.execute(args);
        } catch (Error e) {
            return Failures.report(e);
        }
    }

    @Option(names = {"-v", "--verbose"}, scope = ScopeType.INHERIT, description = "Show the logs of Llatte and llama.cpp.")
    private void verbose(boolean value) {
        if (value) {
            LogSetup.verbose();
        }
    }

    @Override
    public void run() {
        throw new CommandLine.ParameterException(spec.commandLine(), "a command is missing");
    }
}
