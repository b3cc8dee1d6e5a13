package io.llatte.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.llatte.demo.LlatteProcess.Result;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `llatte serve` as a process.
class ServeCommandIT {

    private static final Pattern ADDRESS = Pattern.compile("listening on (http://127\\.0\\.0\\.1:[0-9]+)");

    @TempDir
    private Path folder;

    private String awaitLine(LlatteProcess llatte, Process process, Pattern pattern) throws Exception {
        while (true) {
            Matcher matcher = pattern.matcher(llatte.errors());
            if (matcher.find()) {
                return matcher.group(matcher.groupCount());
            }
            assertThat(process.isAlive()).as(llatte.errors()).isTrue();
            Thread.sleep(20);
        }
    }

    @Test
    void serve_answersUntilItIsTerminated() throws Exception {
        var llatte = new LlatteProcess(folder).environment("LLATTE_API_KEY", "secret");
        Process process = llatte.begin("serve", "--port", "0", "--model", TestModel.tiny(), "--context", "256", "--parallel", "2");
        try (var client = HttpClient.newHttpClient()) {
            String address = awaitLine(llatte, process, ADDRESS);
            awaitLine(llatte, process, Pattern.compile("(llama-dense.gguf answers)"));
            HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(address + "/v1/models"));
            assertThat(client.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode()).isEqualTo(401);
            request.header("Authorization", "Bearer secret");
            assertThat(client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body()).contains("llama-dense.gguf");
            process.destroy();
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
            assertThat(process.exitValue()).as(llatte.errors()).isZero();
            assertThat(llatte.errors()).contains("stopping").doesNotContain("secret", "WARN", "Exception");
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void modelThatCannotBeLoaded_isOneLineAndTheServerStays() throws Exception {
        var llatte = new LlatteProcess(folder);
        Process process = llatte.begin("serve", "--port", "0", "--model", "no-such-model");
        try (var client = HttpClient.newHttpClient()) {
            String address = awaitLine(llatte, process, ADDRESS);
            awaitLine(llatte, process, Pattern.compile("(no model no-such-model)"));
            var request = HttpRequest.newBuilder(URI.create(address + "/health")).build();
            assertThat(client.send(request, HttpResponse.BodyHandlers.ofString()).statusCode()).isEqualTo(200);
        } finally {
            process.destroyForcibly();
        }
    }

    @Test
    void otherMachines_areServedOnlyWithAKey() throws Exception {
        Result result = new LlatteProcess(folder).run("serve", "--host", "0.0.0.0", "--port", "0");
        assertThat(result.exitCode()).isEqualTo(2);
        assertThat(result.err()).contains("--api-key", "--insecure").hasLineCount(1);
    }

    @Test
    void portInUse_isOneLine() throws Exception {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            Result result = new LlatteProcess(folder).run("serve", "--port", String.valueOf(taken.getLocalPort()));
            assertThat(result.exitCode()).isEqualTo(1);
            assertThat(result.err()).contains("cannot be bound", String.valueOf(taken.getLocalPort())).hasLineCount(1);
        }
    }

    @Test
    void numbersOutOfRange_areMisuse() throws Exception {
        for (String[] option : new String[][] {{"--parallel", "0"}, {"--port", "70000"}, {"--max-body", "0"}, {"--stop-timeout", "-1"},
            {"--max-requests", "0"}}) {
            Result result = new LlatteProcess(folder).run("serve", option[0], option[1]);
            assertThat(result.exitCode()).as("%s: %s", option[0], result.err()).isEqualTo(2);
        }
    }
}
