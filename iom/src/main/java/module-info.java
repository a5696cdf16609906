/** The appliance's heart: shards, I/O managers, the data-to-parity protocol, volumes. */
module dev.tuff.iom {
  requires dev.tuff.xor;
  requires transitive dev.tuff.device;
  requires org.jctools.core.jdk11;

  exports dev.tuff.iom.array;
  exports dev.tuff.iom.check;
  exports dev.tuff.iom.nbd;
  exports dev.tuff.iom.recovery;
  exports dev.tuff.iom.simulation;
  exports dev.tuff.iom.volume;
}
