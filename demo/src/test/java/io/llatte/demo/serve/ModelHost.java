package io.llatte.demo.serve;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.llatte.model.CatalogModel;
import io.llatte.model.ModelSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/// Another machine that has a model file, behind a line that is not too fast.
final class ModelHost implements AutoCloseable {

    private static final int PIECE = 1 << 20;

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Path file;
    private final long millisForEachPiece;

    /// @param bytesPerSecond how fast it is
    ModelHost(Path file, long bytesPerSecond) throws IOException {
        this.file = file;
        millisForEachPiece = PIECE * 1000L / bytesPerSecond;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.setExecutor(threads);
        server.start();
    }

    /// A model of the catalog that comes from here.
    CatalogModel source(CatalogModel model) {
        var uri = URI.create("http://127.0.0.1:%d/%s".formatted(server.getAddress().getPort(), model.file()));
        return new CatalogModel(model.id(), model.name(), model.family(), model.parameters(), model.quantization(), model.file(),
                model.approximateSizeBytes(), model.pin(), model.contextLength(), model.minimumMemoryBytes(), model.license(), model.chat(),
                List.of(new ModelSource.Url(uri)));
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange; InputStream in = Files.newInputStream(file)) {
            exchange.sendResponseHeaders(200, Files.size(file));
            OutputStream out = exchange.getResponseBody();
            for (byte[] piece = in.readNBytes(PIECE); piece.length > 0; piece = in.readNBytes(PIECE)) {
                out.write(piece);
                out.flush();
                Thread.sleep(millisForEachPiece);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }
}
