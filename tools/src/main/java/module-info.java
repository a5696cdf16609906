/** The tuff command: parses, calls the appliance, prints. */
module dev.tuff.tools {
  requires dev.tuff.natives;
  requires dev.tuff.device;
  requires dev.tuff.iom;
  requires dev.tuff.bench;
  requires info.picocli;
  requires com.fasterxml.jackson.databind;
  requires org.tomlj;
  requires me.tongfei.progressbar;
  requires HdrHistogram;
  requires xchart;
  requires java.desktop;
  requires java.management;

  opens dev.tuff.tools to
      info.picocli;
}
