package dev.tuff.tools;

import dev.tuff.iom.volume.Toughness;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The levels 0, 1 and 2 as people write them. */
final class ToughnessConverter implements ITypeConverter<Toughness> {
  @Override
  public Toughness convert(String value) {
    return switch (value) {
      case "0" -> Toughness.NONE;
      case "1" -> Toughness.TAKEN;
      case "2" -> Toughness.HARDENED;
      default ->
          throw new TypeConversionException(
              "'"
                  + value
                  + "' is not a toughness; write 0 (none), 1 (taken by a majority) or 2 (hardened)");
    };
  }
}
