// What the Java clients share: where to work (JSON on stdin), operations by name, one JSON line for each.
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Predicate;

final class Lab {
  /** The client has no such thing, or cannot do it anywhere; the message is the reason. */
  static final class NotApplicable extends RuntimeException {
    NotApplicable(String reason) {
      super(reason);
    }
  }

  interface Work {
    void run() throws Exception;
  }

  private static final ObjectMapper json = new ObjectMapper();
  private final Map<String, Work> operations = new LinkedHashMap<>();
  final JsonNode where;

  Lab() throws Exception {
    where = json.readTree(System.in);
  }

  String text(String name) {
    return where.get(name).asText();
  }

  int number(String name) {
    return where.get(name).asInt();
  }

  void operation(String name, Work work) {
    operations.put(name, work);
  }

  void cannot(String name, String reason) {
    operation(name, () -> {
      throw new NotApplicable(reason);
    });
  }

  void run() throws Exception {
    for (var each : operations.entrySet()) {
      var result = new LinkedHashMap<String, String>();
      result.put("operation", each.getKey());
      try {
        each.getValue().run();
        result.put("outcome", "pass");
      } catch (NotApplicable reason) {
        result.put("outcome", "n/a");
        result.put("reason", reason.getMessage());
      } catch (Throwable error) {
        error.printStackTrace();
        var text = (place(error) + error).replaceAll("\\s+", " ");
        result.put("outcome", "fail");
        result.put("reason", text.substring(0, Math.min(1500, text.length())));
      }
      System.out.println(json.writeValueAsString(result));
    }
    System.out.flush();
    // Threads of the clients live on.
    System.exit(0);
  }

  private static String place(Throwable error) {
    return Arrays.stream(error.getStackTrace())
        .filter(frame -> frame.getFileName() != null && frame.getFileName().endsWith("Client.java"))
        .findFirst()
        .map(frame -> "line " + frame.getLineNumber() + ": ")
        .orElse("");
  }

  static void same(Object seen, Object expected, String what) {
    if (!seen.equals(expected)) throw new AssertionError(what + ": " + seen + " instead of " + expected);
  }

  static void sameBytes(byte[] seen, byte[] expected, String what) {
    if (!Arrays.equals(seen, expected))
      throw new AssertionError(what + ": other bytes (" + seen.length + " instead of " + expected.length + ")");
  }

  /** `work` throws an error of this type that `check` is content with. */
  static <E extends Exception> void refused(Class<E> type, Work work, Predicate<E> check) throws Exception {
    try {
      work.run();
    } catch (Exception error) {
      if (type.isInstance(error) && check.test(type.cast(error))) return;
      throw new AssertionError("another refusal: " + error, error);
    }
    throw new AssertionError("it was not refused");
  }

  static <E extends Exception> void refused(Class<E> type, Work work) throws Exception {
    refused(type, work, error -> true);
  }

  /** Pseudorandom, the same for the same seed. */
  static byte[] someBytes(int length, int seed) {
    var bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }
}
