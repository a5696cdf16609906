/** The appliance's heart: shards, I/O managers, the data-to-parity protocol, volumes. */
module dev.tuff.iom {
  requires dev.tuff.xor;
  requires dev.tuff.device;
  requires org.jctools.core.jdk11;
}
