package dev.tuff.tools;

import java.math.BigDecimal;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * A number of bytes as people write it: {@code 4096}, {@code 64K}, {@code 10G}, {@code 1.5T},
 * {@code 10GiB}; powers of 1024 all, and exact: a size that is no whole number of bytes is refused.
 *
 * @param bytes 0 or more
 */
record ByteSize(long bytes) {
  private static final String UNITS = "KMGTPE";
  private static final Pattern FORM =
      Pattern.compile("(\\d+(?:\\.\\d+)?)(?:([KMGTPE])(iB)?|B)?", Pattern.CASE_INSENSITIVE);

  /** Reads a size; {@link IllegalArgumentException} with a sentence when it is none. */
  static ByteSize parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is not a size; write bytes or a number with K, M, G, T, P or E (powers of 1024), like 64K or 1.5T");
    }
    BigDecimal value = new BigDecimal(matcher.group(1));
    if (matcher.group(2) != null) {
      int power = UNITS.indexOf(Character.toUpperCase(matcher.group(2).charAt(0))) + 1;
      value = value.multiply(BigDecimal.valueOf(1024).pow(power));
    }
    try {
      return new ByteSize(value.longValueExact());
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a size: not a whole number of bytes below 8 EiB", e);
    }
  }

  /** Short, for reading: at most four digits and a unit, rounded; exact below 1 KiB. */
  static String brief(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    double value = bytes;
    int unit = -1;
    while (value >= 1023.95) {
      value /= 1024;
      unit++;
    }
    String number = String.format(Locale.ROOT, value < 99.95 ? "%.1f" : "%.0f", value);
    return (number.endsWith(".0") ? number.substring(0, number.length() - 2) : number)
        + " "
        + UNITS.charAt(unit)
        + "iB";
  }

  @Override
  public String toString() {
    return brief(bytes);
  }

  /** For picocli. */
  static final class Converter implements ITypeConverter<ByteSize> {
    @Override
    public ByteSize convert(String value) {
      try {
        return parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
