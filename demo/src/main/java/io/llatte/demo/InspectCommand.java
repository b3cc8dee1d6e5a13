package io.llatte.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.llatte.llama.Gguf;
import io.llatte.model.ModelStore;
import io.llatte.model.StoredModel;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// `llatte inspect`.
@Command(name = "inspect", description = "Shows what a GGUF file holds, without loading a weight.")
final class InspectCommand implements Runnable {

    private static final int SHOWN_ELEMENTS = 8;
    private static final int SHOWN_CHARACTERS = 100;

    @Parameters(paramLabel = "FILE", description = "A GGUF file, or the id of a downloaded model")
    private String reference;

    @Option(names = "--json", description = "Print one object. Long arrays become {\"length\", \"first\"}.")
    private boolean json;

    @Override
    public void run() {
        Path file = ModelStore.open().find(reference).map(StoredModel::path)
                .orElseThrow(() -> new CommandException("there is no file " + reference));
        Gguf gguf = Gguf.read(file);
        Output.print(json ? AnswerJson.write(toJson(gguf)) + "\n" : toText(gguf));
    }

    private static String toText(Gguf gguf) {
        var text = new StringBuilder("%s: GGUF version %d, %d tensors, %d parameters, alignment %d%n%nMetadata%n".formatted(gguf.file(),
                gguf.version(), gguf.tensors().size(), gguf.parameterCount(), gguf.alignment()));
        gguf.metadata().forEach((key, value) -> text.append("  %-48s %s%n".formatted(key, shorten(value))));
        text.append("%nTensors%n".formatted());
        for (Gguf.Tensor tensor : gguf.tensors()) {
            String shape = tensor.shape().stream().map(String::valueOf).collect(Collectors.joining(" x "));
            text.append("  %-48s %-6s %10s  %s%n".formatted(tensor.name(), tensor.type(), Sizes.text(tensor.sizeBytes()), shape));
        }
        return text.toString();
    }

    private static String shorten(Object value) {
        if (value instanceof List<?> list) {
            String first = list.stream().limit(SHOWN_ELEMENTS).map(InspectCommand::shorten).collect(Collectors.joining(", "));
            return list.size() <= SHOWN_ELEMENTS ? "[" + first + "]" : "[" + first + ", … %d in all]".formatted(list.size());
        }
        String text = value.toString().replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t");
        return text.length() <= SHOWN_CHARACTERS ? text
                : text.substring(0, text.offsetByCodePoints(0, text.codePointCount(0, SHOWN_CHARACTERS)))
                        + "… %d characters in all".formatted(text.length());
    }

    private static ObjectNode toJson(Gguf gguf) {
        var mapper = new ObjectMapper();
        ObjectNode root = mapper.createObjectNode().put("file", gguf.file().toString()).put("version", gguf.version())
                .put("alignment", gguf.alignment()).put("dataOffset", gguf.dataOffset()).put("architecture", gguf.architecture())
                .put("parameterCount", gguf.parameterCount());
        ObjectNode metadata = root.putObject("metadata");
        gguf.metadata().forEach((key, value) -> {
            if (value instanceof List<?> list && list.size() > SHOWN_ELEMENTS) {
                ObjectNode node = metadata.putObject(key).put("length", list.size());
                node.set("first", mapper.valueToTree(list.subList(0, SHOWN_ELEMENTS)));
            } else {
                metadata.set(key, mapper.valueToTree(value));
            }
        });
        var tensors = root.putArray("tensors");
        for (Gguf.Tensor tensor : gguf.tensors()) {
            ObjectNode node = tensors.addObject().put("name", tensor.name()).put("type", tensor.type()).put("offset", tensor.offset())
                    .put("sizeBytes", tensor.sizeBytes());
            tensor.shape().forEach(node.putArray("shape")::add);
        }
        return root;
    }
}
