/** Measurement of each layer and of the whole, against fio and C. */
module dev.tuff.bench {
  requires transitive dev.tuff.iom;
  requires dev.tuff.device;
  requires dev.tuff.natives;
  requires dev.tuff.xor;
  requires HdrHistogram;
  requires com.fasterxml.jackson.databind;
  requires java.desktop;
  requires java.management;
  requires jdk.management;
  requires xchart;

  exports dev.tuff.bench;
}
