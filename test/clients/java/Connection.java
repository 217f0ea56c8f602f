// How Hadoop is told where a filesystem is, as its users tell it: by configuration.
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.net.URI;
import java.nio.file.Paths;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Date;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.adl.oauth2.AzureADTokenProvider;

final class Connection {
  /** As a user's own provider would, but that everybody gets in. */
  public static final class AnyToken extends AzureADTokenProvider {
    @Override
    public void initialize(Configuration conf) {}

    @Override
    public String getAccessToken() {
      return "a-token";
    }

    @Override
    public Date getExpiryTime() {
      return new Date(4_102_444_800_000L);
    }
  }

  private Connection() {}

  static URI uri(Lab lab, String scheme) {
    var server = URI.create(lab.text("endpoint")).getAuthority();
    if (scheme.equals("webhdfs")) return URI.create("webhdfs://" + server + "/");
    if (scheme.equals("adl")) return URI.create("adl://lab/");
    return URI.create("abfs://" + lab.text("root").split("/")[1] + "@" + host(lab) + "/");
  }

  private static String host(Lab lab) {
    return lab.text("account") + ".dfs.core.windows.net";
  }

  static Configuration configuration(Lab lab, String scheme) throws Exception {
    var conf = new Configuration();
    conf.set("fs.defaultFS", uri(lab, scheme).toString());
    conf.set("hadoop.tmp.dir", lab.text("scratchDir"));
    if (scheme.equals("abfs")) {
      conf.set("fs.azure.abfs.endpoint", URI.create(lab.text("endpoint")).getAuthority());
      conf.setBoolean("fs.azure.always.use.https", false);
      conf.set("fs.azure.account.auth.type", "SharedKey");
      conf.set("fs.azure.account.key." + host(lab), lab.text("key"));
      conf.setInt("fs.azure.io.retry.max.retries", 2);
    }
    if (scheme.equals("adl")) {
      trust(lab);
      conf.set("dfs.adls.lab.hostname", URI.create(lab.text("tlsEndpoint")).getAuthority());
      conf.set("dfs.adls.lab.mountpoint", "/");
      conf.set("fs.adl.oauth2.access.token.provider.type", "Custom");
      conf.setClass("fs.adl.oauth2.access.token.provider", AnyToken.class, AzureADTokenProvider.class);
    }
    return conf;
  }

  /** The certificate goes where the JVM looks for those that it trusts. */
  private static void trust(Lab lab) throws Exception {
    var store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    try (var file = new FileInputStream(lab.text("caFile"))) {
      store.setCertificateEntry("lab", CertificateFactory.getInstance("X.509").generateCertificate(file));
    }
    var path = Paths.get(lab.text("scratchDir"), "trust.p12").toString();
    try (var file = new FileOutputStream(path)) {
      store.store(file, "changeit".toCharArray());
    }
    System.setProperty("javax.net.ssl.trustStore", path);
    System.setProperty("javax.net.ssl.trustStorePassword", "changeit");
  }
}
