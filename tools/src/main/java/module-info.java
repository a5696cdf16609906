/** The tuff command. */
module dev.tuff.tools {
  requires dev.tuff.iom;
  requires dev.tuff.bench;
  requires info.picocli;
}
