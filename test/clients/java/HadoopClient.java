// Hadoop's FileSystem API and its shell over webhdfs://, abfs:// or adl:// (the argument).
import java.io.ByteArrayOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.text.Normalizer;
import java.util.Arrays;
import java.util.Date;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileAlreadyExistsException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FsShell;
import org.apache.hadoop.fs.ParentNotDirectoryException;
import org.apache.hadoop.fs.Path;
import org.apache.hadoop.fs.PathIsNotEmptyDirectoryException;
import org.apache.hadoop.fs.azurebfs.AzureBlobFileSystem;
import org.apache.hadoop.fs.permission.AclEntry;
import org.apache.hadoop.fs.permission.FsPermission;

final class HadoopClient {
  static final byte[] small = Lab.someBytes(3000, 1);
  private final Lab lab = new Lab();
  private final String scheme;
  private final Configuration conf;
  private final FileSystem fs;
  private final Path root;

  public static void main(String[] args) throws Exception {
    new HadoopClient(args[0]).run();
  }

  private HadoopClient(String scheme) throws Exception {
    this.scheme = scheme;
    var path = lab.text("root");
    conf = Connection.configuration(lab, scheme);
    if (is("abfs")) {
      path = path.substring(path.indexOf('/', 1));
      conf.set("fs.azure.infinite-lease.directories", path + "/leased");
      conf.setInt("fs.azure.lease.threads", 2);
    }
    root = new Path(path);
    fs = FileSystem.get(Connection.uri(lab, scheme), conf);
  }

  private boolean is(String other) {
    return scheme.equals(other);
  }

  private Path at(String path) {
    var place = root;
    for (var segment : path.split("/")) place = new Path(place, new Path(null, null, segment));
    return place;
  }

  private void write(Path path, byte[] data) throws IOException {
    try (var out = fs.create(path, true)) {
      out.write(data);
    }
  }

  private void append(Path path, byte[] data) throws IOException {
    try (var out = fs.append(path)) {
      out.write(data);
    }
  }

  private byte[] read(Path path) throws IOException {
    try (var in = fs.open(path)) {
      return in.readAllBytes();
    }
  }

  private String readText(String path) throws IOException {
    return new String(read(at(path)), StandardCharsets.UTF_8);
  }

  /** `hadoop fs ARGS`. @return what it printed */
  private String shell(String... args) throws Exception {
    for (int i = 1; i < args.length; i++)
      if (args[i].startsWith("@")) args[i] = fs.makeQualified(at(args[i].substring(1))).toString();
    var said = new ByteArrayOutputStream();
    var out = System.out;
    System.setOut(new PrintStream(said, true, StandardCharsets.UTF_8));
    int code;
    try {
      code = new FsShell(conf).run(args);
    } finally {
      System.setOut(out);
    }
    Lab.same(code, 0, String.join(" ", args));
    return said.toString(StandardCharsets.UTF_8);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private void run() throws Exception {
    writing();
    reading();
    listing();
    moving();
    rights();
    extras();
    edges();
    lab.run();
  }

  private void writing() {
    lab.operation("mkdir", () -> {
      Lab.same(fs.mkdirs(at("new/deeper")), true, "mkdirs");
      Lab.same(fs.getFileStatus(at("new/deeper")).isDirectory(), true, "a folder");
      shell("-mkdir", "-p", "@new/by/shell");
      shell("-test", "-d", "@new/by/shell");
    });
    lab.operation("upload small", () -> {
      write(at("small"), small);
      Lab.sameBytes(read(at("small")), small, "small");
      var local = Paths.get(lab.text("scratchDir"), "small");
      Files.write(local, small);
      shell("-put", local.toString(), "@put");
      Lab.sameBytes(read(at("put")), small, "put");
    });
    lab.operation("upload large", () -> {
      var data = Lab.someBytes(lab.number("largeBytes"), 2);
      write(at("large"), data);
      Lab.sameBytes(read(at("large")), data, "large");
    });
    lab.operation("empty file", () -> {
      Lab.same(fs.createNewFile(at("empty")), true, "made");
      shell("-touchz", "@touched");
      Lab.same(fs.getFileStatus(at("touched")).getLen(), 0L, "length");
      Lab.sameBytes(read(at("empty")), new byte[0], "empty");
    });
    lab.operation("overwrite", () -> {
      write(at("twice"), Lab.someBytes(9000, 3));
      write(at("twice"), bytes("second"));
      Lab.refused(IOException.class, () -> fs.create(at("twice"), false).close(), this::saysThere);
      Lab.same(readText("twice"), "second", "twice");
    });
    lab.operation("append", () -> {
      write(at("growing"), bytes("one"));
      append(at("growing"), bytes("two"));
      var local = Paths.get(lab.text("scratchDir"), "three");
      Files.write(local, bytes("three"));
      shell("-appendToFile", local.toString(), "@growing");
      Lab.same(readText("growing"), "onetwothree", "growing");
    });
    lab.operation("append nothing", () -> {
      write(at("unchanged"), bytes("same"));
      append(at("unchanged"), new byte[0]);
      Lab.same(readText("unchanged"), "same", "unchanged");
    });
  }

  private boolean saysThere(IOException error) {
    return error instanceof FileAlreadyExistsException || error.toString().contains("AlreadyExists");
  }

  private void reading() {
    lab.operation("download whole", () -> {
      write(at("whole"), small);
      Lab.sameBytes(read(at("whole")), small, "whole");
      var local = Paths.get(lab.text("scratchDir"), "whole");
      shell("-get", "@whole", local.toString());
      Lab.sameBytes(Files.readAllBytes(local), small, "get");
    });
    lab.operation("download ranges", () -> {
      write(at("ranges"), small);
      try (var in = fs.open(at("ranges"))) {
        var piece = new byte[20];
        in.readFully(10, piece);
        Lab.sameBytes(piece, Arrays.copyOfRange(small, 10, 30), "readFully");
        in.seek(2990);
        Lab.sameBytes(in.readAllBytes(), Arrays.copyOfRange(small, 2990, 3000), "seek");
        in.seek(5);
        Lab.same(in.read(), small[5] & 255, "back");
        Lab.refused(IOException.class, () -> in.readFully(2990, piece));
      }
      Lab.same(shell("-tail", "@ranges").length() > 0, true, "tail");
    });
    lab.operation("stat", () -> {
      write(at("known"), small);
      var status = fs.getFileStatus(at("known"));
      Lab.same(status.isFile() && status.getLen() == 3000, true, "status");
      Lab.same(Math.abs(status.getModificationTime() - new Date().getTime()) < 300_000, true, "time");
      Lab.same(fs.exists(at("nowhere")), false, "nowhere");
      Lab.same(fs.getContentSummary(at("known")).getLength(), 3000L, "summary");
      Lab.same(shell("-stat", "%F %b", "@known").trim(), "regular file 3000", "stat");
      Lab.same(shell("-du", "-s", "@known").startsWith("3000"), true, "du");
    });
  }

  private void listing() {
    var folder = lab.where.get("many").get("folder").asText();
    var many = new Path(is("abfs") ? folder.substring(folder.indexOf('/', 1)) : folder);
    int files = lab.where.get("many").get("files").asInt();
    int below = lab.where.get("many").get("filesBelow").asInt();
    lab.operation("list flat", () -> {
      var names = new TreeSet<String>();
      for (var each : fs.listStatus(many)) names.add(each.getPath().getName());
      Lab.same(names.size(), files + 1, "names");
      Lab.same(names.first() + names.last(), "below" + String.format("file-%05d", files - 1), "ends");
      int seen = 0;
      for (var each = fs.listStatusIterator(many); each.hasNext(); each.next()) seen++;
      Lab.same(seen, files + 1, "iterated");
    });
    lab.operation("list recursive", () -> {
      int seen = 0;
      for (var each = fs.listFiles(many, true); each.hasNext(); each.next()) seen++;
      Lab.same(seen, files + below, "files");
      var qualified = fs.makeQualified(many).toString();
      Lab.same(shell("-ls", "-R", qualified).lines().count(), files + below + 1L, "ls -R");
      var summary = fs.getContentSummary(many);
      Lab.same(summary.getFileCount(), (long) files + below, "summary");
    });
  }

  private void moving() {
    lab.operation("rename file", () -> {
      write(at("before"), small);
      Lab.same(fs.rename(at("before"), at("after")), true, "rename");
      Lab.same(fs.exists(at("before")), false, "before");
      Lab.sameBytes(read(at("after")), small, "after");
      write(at("other"), bytes("x"));
      Lab.same(fs.rename(at("other"), at("after")), false, "onto a file");
      Lab.same(fs.rename(at("nowhere"), at("else")), false, "nowhere");
      shell("-mv", "@other", "@moved");
      Lab.same(readText("moved"), "x", "moved");
    });
    lab.operation("rename folder", () -> {
      write(at("tree/a/b"), small);
      Lab.same(fs.rename(at("tree"), at("forest")), true, "rename");
      Lab.sameBytes(read(at("forest/a/b")), small, "moved");
      Lab.same(fs.exists(at("tree")), false, "tree");
      fs.mkdirs(at("shelf"));
      Lab.same(fs.rename(at("forest"), at("shelf")), true, "into a folder");
      Lab.sameBytes(read(at("shelf/forest/a/b")), small, "in the folder");
    });
    lab.operation("delete file", () -> {
      write(at("doomed"), small);
      Lab.same(fs.delete(at("doomed"), false), true, "delete");
      Lab.same(fs.delete(at("doomed"), false), false, "again");
      write(at("doomed"), small);
      shell("-rm", "-skipTrash", "@doomed");
      Lab.same(fs.exists(at("doomed")), false, "rm");
    });
    lab.operation("delete folder", () -> {
      write(at("doomed-tree/a/b"), small);
      Lab.refused(IOException.class, () -> fs.delete(at("doomed-tree"), false), this::saysNotEmpty);
      Lab.same(fs.delete(at("doomed-tree"), true), true, "delete");
      write(at("doomed-tree/a/b"), small);
      shell("-rm", "-r", "-skipTrash", "@doomed-tree");
      Lab.same(fs.exists(at("doomed-tree")), false, "rm -r");
    });
  }

  private boolean saysNotEmpty(IOException error) {
    return error instanceof PathIsNotEmptyDirectoryException || error.toString().toLowerCase().contains("empty");
  }

  private void rights() {
    lab.operation("permissions", () -> {
      write(at("rights"), small);
      fs.setPermission(at("rights"), new FsPermission("600"));
      Lab.same(fs.getFileStatus(at("rights")).getPermission().toString(), "rw-------", "permission");
      shell("-chmod", "750", "@rights");
      Lab.same(fs.getFileStatus(at("rights")).getPermission().toString(), "rwxr-x---", "chmod");
      fs.setOwner(at("rights"), "eve", null);
      Lab.same(fs.getFileStatus(at("rights")).getOwner(), "eve", "owner");
    });
    lab.operation("acl", () -> {
      fs.mkdirs(at("acl"));
      fs.setAcl(at("acl"), AclEntry.parseAclSpec(
          "user::rwx,user:eve:r-x,group::r-x,other::---,default:user::rwx,default:group::r-x,default:other::---", true));
      Lab.same(shell("-getfacl", "@acl").contains("user:eve:r-x"), true, "eve");
      fs.modifyAclEntries(at("acl"), AclEntry.parseAclSpec("user:bob:rwx", true));
      fs.removeAclEntries(at("acl"), AclEntry.parseAclSpec("user:eve", false));
      var entries = fs.getAclStatus(at("acl")).getEntries().toString();
      Lab.same(entries.contains("user:bob:rwx") && !entries.contains("eve"), true, entries);
      fs.removeDefaultAcl(at("acl"));
      Lab.same(fs.getAclStatus(at("acl")).getEntries().toString().contains("default"), false, "no default");
      fs.removeAcl(at("acl"));
      Lab.same(fs.getAclStatus(at("acl")).getEntries().toString().contains("bob"), false, "plain");
    });
  }

  private void extras() {
    lab.operation("metadata", () -> {
      if (is("adl")) throw new Lab.NotApplicable("adl:// has no extended attributes");
      write(at("described"), small);
      fs.setXAttr(at("described"), "user.colour", bytes("green"));
      shell("-setfattr", "-n", "user.taste", "-v", "a b", "@described");
      Lab.same(new String(fs.getXAttr(at("described"), "user.taste")), "a b", "taste");
      // abfs:// cannot list them.
      if (is("abfs")) return;
      var names = fs.listXAttrs(at("described"));
      Lab.same(names.containsAll(Arrays.asList("user.colour", "user.taste")), true, names.toString());
    });
    lab.operation("leases", () -> {
      if (!is("abfs")) throw new Lab.NotApplicable(scheme + ":// has no leases");
      var held = fs.create(at("leased/file"), true);
      held.write(bytes("mine"));
      held.hsync();
      // Somebody who does not ask for a lease: whoever does tries for more than a minute.
      var others = new Configuration(conf);
      others.unset("fs.azure.infinite-lease.directories");
      try (var other = FileSystem.newInstance(fs.getUri(), others)) {
        Lab.refused(IOException.class, () -> {
          try (var out = other.append(at("leased/file"))) {
            out.write(bytes("x"));
          }
        }, e -> e.toString().contains("ease"));
      }
      held.close();
      Lab.same(readText("leased/file"), "mine", "leased");
      var left = fs.append(at("leased/file"));
      ((AzureBlobFileSystem) fs).breakLease(at("leased/file"));
      append(at("leased/file"), bytes("+"));
      Lab.same(readText("leased/file"), "mine+", "after the break");
      Lab.refused(IOException.class, () -> {
        left.write(1);
        left.close();
      });
    });
    lab.cannot("expiry", "Hadoop has no expiry");
    lab.operation("concat", () -> {
      if (!is("webhdfs")) throw new Lab.NotApplicable(scheme + ":// has no concat");
      for (var name : new String[] {"one", "two", "three"}) write(at("parts/" + name), bytes(name));
      fs.concat(at("parts/one"), new Path[] {at("parts/two"), at("parts/three")});
      Lab.same(readText("parts/one"), "onetwothree", "joined");
      Lab.same(fs.listStatus(at("parts")).length, 1, "parts");
    });
  }

  private void edges() {
    lab.operation("names", () -> {
      for (var each : lab.where.get("names")) {
        var name = each.asText();
        // The SDK below adl:// composes letters and their marks in paths (URI.toASCIIString), but not in the destinations of renames.
        if (is("adl")) name = Normalizer.normalize(name, Normalizer.Form.NFC);
        var path = at("names/" + name + "/" + name);
        write(path, bytes(name));
        Lab.same(new String(read(path), StandardCharsets.UTF_8), name, name);
        var listed = fs.listStatus(path.getParent());
        Lab.same(listed.length + listed[0].getPath().getName(), 1 + name, "listed");
        var to = at("names/" + name + "/x-" + name.substring(0, Math.min(40, name.length())));
        Lab.same(fs.rename(path, to), true, "renamed " + name);
        Lab.same(new String(read(to), StandardCharsets.UTF_8), name, "renamed " + name);
      }
      write(at(lab.text("deepPath")), small);
      Lab.sameBytes(read(at(lab.text("deepPath"))), small, "deep");
    });
    lab.operation("conditions", () -> {
      if (!is("abfs")) throw new Lab.NotApplicable(scheme + ":// has no conditions");
      write(at("guarded"), Lab.someBytes(100_000, 4));
      try (var in = fs.open(at("guarded"))) {
        write(at("guarded"), Lab.someBytes(100_000, 5));
        // It reads with the ETag that it saw when it opened.
        Lab.refused(IOException.class, in::read, error -> error.toString().contains("412"));
      }
    });
    lab.operation("errors", () -> {
      Lab.refused(FileNotFoundException.class, () -> read(at("nowhere")));
      Lab.refused(FileNotFoundException.class, () -> fs.listStatus(at("nowhere")));
      Lab.refused(FileNotFoundException.class, () -> fs.getFileStatus(at("nowhere")));
      Lab.refused(FileNotFoundException.class, () -> append(at("nowhere"), small));
      write(at("file-there"), small);
      Lab.refused(IOException.class, () -> fs.mkdirs(at("file-there/x")),
          error -> error instanceof ParentNotDirectoryException || error instanceof FileAlreadyExistsException
              || is("adl"));
      Lab.refused(IOException.class, () -> write(at("file-there/y"), small));
      Lab.refused(FileAlreadyExistsException.class, () -> {
        if (!fs.mkdirs(at("file-there"))) throw new FileAlreadyExistsException("said so by false");
      });
      Lab.same(fs.listStatus(at("file-there")).length, 1, "a file lists itself");
    });
  }
}
