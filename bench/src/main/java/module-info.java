/** Measurement of each layer and of the whole, against fio and C. */
module dev.tuff.bench {
  requires dev.tuff.iom;
}
