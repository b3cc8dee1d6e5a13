package io.llatte.model;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// What names in a hub repository may be and what they say. They become paths of this machine, so they are checked wherever they come from.
final class HubNames {

    static final String DEFAULT_REVISION = "main";

    /// As llama.cpp prefers them where no quantisation is named.
    private static final List<String> PREFERRED = List.of("Q4_K_M", "Q8_0");

    /// GGUF files that are no models of their own, as llama.cpp tells them.
    private static final List<String> COMPANIONS = List.of("mmproj", "imatrix", "mtp-", "eagle3-", "dflash-", "dspark-");

    private static final Pattern PART = Pattern.compile("(.*-)(\\d{5})-of-(\\d{5})\\.gguf", Pattern.CASE_INSENSITIVE | Pattern.DOTALL);

    private HubNames() {
    }

    static boolean isRepository(String repository) {
        return repository.matches("\\w([\\w.-]*\\w)?/\\w([\\w.-]*\\w)?") && !repository.contains("..") && !repository.contains("--");
    }

    static void checkRepository(String repository) {
        check(isRepository(repository), "not a repository of the form owner/name", repository);
    }

    static boolean isRevision(String revision) {
        return revision.matches("\\w[\\w.-]*(/\\w[\\w.-]*)*") && !revision.contains("..");
    }

    static void checkRevision(String revision) {
        check(isRevision(revision), "not a branch, tag or commit", revision);
    }

    static boolean isFile(String file) {
        return file.matches("[^/\\\\:\\p{Cntrl}]+(/[^/\\\\:\\p{Cntrl}]+)*") && List.of(file.split("/")).stream().noneMatch(name -> name.matches("\\.+"));
    }

    static void checkFile(String file) {
        check(isFile(file), "not a file of a repository", file);
    }

    private static void check(boolean holds, String otherwise, String name) {
        if (!holds) {
            throw new IllegalArgumentException(otherwise + ": " + name);
        }
    }

    static boolean isCommit(String revision) {
        return revision.matches("[0-9a-f]{40}");
    }

    static String lastName(String file) {
        return file.substring(file.lastIndexOf('/') + 1);
    }

    /// All parts of a split model in order, by the name of any of them; the name alone where it is not split.
    static List<String> parts(String file) {
        Matcher part = PART.matcher(file);
        if (!part.matches()) {
            return List.of(file);
        }
        int count = Integer.parseInt(part.group(3));
        int number = Integer.parseInt(part.group(2));
        return number < 1 || number > count ? List.of(file)
                : IntStream.rangeClosed(1, count).mapToObj(n -> "%s%05d-of-%05d.gguf".formatted(part.group(1), n, count)).toList();
    }

    static boolean isModel(String file) {
        String name = lastName(file);
        return name.endsWith(".gguf") && COMPANIONS.stream().noneMatch(name::contains) && parts(file).getFirst().equals(file);
    }

    /// The file that llama.cpp would take: the first with that quantisation in its path. Without one the first Q4_K_M, else the first
    /// Q8_0, else the first model.
    static Optional<String> choose(List<String> files, Optional<String> quantization) {
        List<String> models = files.stream().filter(HubNames::isModel).toList();
        for (String wanted : quantization.map(List::of).orElse(PREFERRED)) {
            Pattern tag = Pattern.compile(Pattern.quote(wanted) + "[.-]", Pattern.CASE_INSENSITIVE);
            Optional<String> match = models.stream().filter(file -> tag.matcher(file).find()).findFirst();
            if (match.isPresent()) {
                return match;
            }
        }
        return quantization.isPresent() ? Optional.empty() : models.stream().findFirst();
    }
}
