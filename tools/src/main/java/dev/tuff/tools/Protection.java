package dev.tuff.tools;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * N+K: every stripe row has N data members and K parity members, and any K drives may be lost.
 *
 * @param dataMembers N, 1 to 32
 * @param parityMembers K, 0 to 4
 */
record Protection(int dataMembers, int parityMembers) {
  private static final Pattern FORM = Pattern.compile("(\\d{1,3})\\+(\\d{1,3})");

  /**
   * Reads {@code 4+1}; {@link IllegalArgumentException} with a sentence when it is none or
   * impossible.
   */
  static Protection parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (!matcher.matches()) {
      throw new IllegalArgumentException(
          "'" + text + "' is not a protection; write data+parity members, like 4+1");
    }
    int n = Integer.parseInt(matcher.group(1));
    int k = Integer.parseInt(matcher.group(2));
    if (n < 1 || n > 32 || k > 4) {
      throw new IllegalArgumentException(
          "protection "
              + text
              + " is not possible; it takes 1 to 32 data and 0 to 4 parity members");
    }
    return new Protection(n, k);
  }

  @Override
  public String toString() {
    return dataMembers + "+" + parityMembers;
  }

  /** For picocli. */
  static final class Converter implements ITypeConverter<Protection> {
    @Override
    public Protection convert(String value) {
      try {
        return parse(value);
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
  }
}
