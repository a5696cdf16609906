package dev.tuff.iom.nbd;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The numbers of the NBD protocol, under its own names without the prefix. Everything on the wire
 * is big-endian. Source: doc/proto.md of the NetworkBlockDevice project.
 */
final class Nbd {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.BIG_ENDIAN);

  static final long MAGIC = 0x4e42444d41474943L;
  static final long OPTION_MAGIC = 0x49484156454F5054L;
  static final long OPTION_REPLY_MAGIC = 0x3e889045565a9L;
  static final int REQUEST_MAGIC = 0x25609513;
  static final int SIMPLE_REPLY_MAGIC = 0x67446698;
  static final int STRUCTURED_REPLY_MAGIC = 0x668e33ef;
  static final int EXTENDED_REQUEST_MAGIC = 0x21e41c71;
  static final int EXTENDED_REPLY_MAGIC = 0x6e8a278c;

  static final int OPTION_HEADER_BYTES = 16;
  static final int REQUEST_BYTES = 28;
  static final int EXTENDED_REQUEST_BYTES = 32;
  static final int SIMPLE_REPLY_BYTES = 16;
  static final int STRUCTURED_REPLY_BYTES = 20;
  static final int EXTENDED_REPLY_BYTES = 32;

  /** Longest string anywhere in the protocol, in bytes. */
  static final int MAX_STRING_BYTES = 4096;

  /** What a client that knows nothing else may send at once, and we ask for no more. */
  static final int MAX_PAYLOAD_BYTES = 32 << 20;

  // Handshake flags, of the server and of the client.
  static final int FLAG_FIXED_NEWSTYLE = 1;
  static final int FLAG_NO_ZEROES = 1 << 1;

  // Transmission flags.
  static final int FLAG_HAS_FLAGS = 1;
  static final int FLAG_READ_ONLY = 1 << 1;
  static final int FLAG_SEND_FLUSH = 1 << 2;
  static final int FLAG_SEND_FUA = 1 << 3;
  static final int FLAG_SEND_TRIM = 1 << 5;
  static final int FLAG_SEND_WRITE_ZEROES = 1 << 6;
  static final int FLAG_SEND_DF = 1 << 7;
  static final int FLAG_CAN_MULTI_CONN = 1 << 8;
  static final int FLAG_SEND_CACHE = 1 << 10;
  static final int FLAG_SEND_FAST_ZERO = 1 << 11;

  static final int OPT_EXPORT_NAME = 1;
  static final int OPT_ABORT = 2;
  static final int OPT_LIST = 3;
  static final int OPT_STARTTLS = 5;
  static final int OPT_INFO = 6;
  static final int OPT_GO = 7;
  static final int OPT_STRUCTURED_REPLY = 8;
  static final int OPT_LIST_META_CONTEXT = 9;
  static final int OPT_SET_META_CONTEXT = 10;
  static final int OPT_EXTENDED_HEADERS = 11;

  static final int REP_ACK = 1;
  static final int REP_SERVER = 2;
  static final int REP_INFO = 3;
  static final int REP_META_CONTEXT = 4;
  private static final int REP_ERR = 1 << 31;
  static final int REP_ERR_UNSUP = REP_ERR | 1;
  static final int REP_ERR_POLICY = REP_ERR | 2;
  static final int REP_ERR_INVALID = REP_ERR | 3;
  static final int REP_ERR_TLS_REQD = REP_ERR | 5;
  static final int REP_ERR_UNKNOWN = REP_ERR | 6;
  static final int REP_ERR_SHUTDOWN = REP_ERR | 7;
  static final int REP_ERR_TOO_BIG = REP_ERR | 9;
  static final int REP_ERR_EXT_HEADER_REQD = REP_ERR | 10;

  static final int INFO_EXPORT = 0;
  static final int INFO_NAME = 1;
  static final int INFO_DESCRIPTION = 2;
  static final int INFO_BLOCK_SIZE = 3;

  static final int CMD_READ = 0;
  static final int CMD_WRITE = 1;
  static final int CMD_DISC = 2;
  static final int CMD_FLUSH = 3;
  static final int CMD_TRIM = 4;
  static final int CMD_CACHE = 5;
  static final int CMD_WRITE_ZEROES = 6;
  static final int CMD_BLOCK_STATUS = 7;

  static final int CMD_FLAG_FUA = 1;
  static final int CMD_FLAG_NO_HOLE = 1 << 1;
  static final int CMD_FLAG_DF = 1 << 2;
  static final int CMD_FLAG_REQ_ONE = 1 << 3;
  static final int CMD_FLAG_FAST_ZERO = 1 << 4;
  static final int CMD_FLAG_PAYLOAD_LEN = 1 << 5;

  static final int REPLY_FLAG_DONE = 1;
  static final int REPLY_TYPE_NONE = 0;
  static final int REPLY_TYPE_OFFSET_DATA = 1;
  static final int REPLY_TYPE_BLOCK_STATUS = 5;
  static final int REPLY_TYPE_BLOCK_STATUS_EXT = 6;
  static final int REPLY_TYPE_ERROR = (1 << 15) | 1;
  static final int REPLY_TYPE_ERROR_OFFSET = (1 << 15) | 2;

  static final int STATE_HOLE = 1;
  static final int STATE_ZERO = 1 << 1;

  static final int EPERM = 1;
  static final int EIO = 5;
  static final int EINVAL = 22;
  static final int ENOSPC = 28;
  static final int EOVERFLOW = 75;
  static final int ENOTSUP = 95;
  static final int ESHUTDOWN = 108;

  private Nbd() {}

  /** A command's name, for people. */
  static String command(int type) {
    return switch (type) {
      case CMD_READ -> "read";
      case CMD_WRITE -> "write";
      case CMD_DISC -> "disconnect";
      case CMD_FLUSH -> "flush";
      case CMD_TRIM -> "trim";
      case CMD_CACHE -> "cache";
      case CMD_WRITE_ZEROES -> "write zeroes";
      case CMD_BLOCK_STATUS -> "block status";
      default -> "command " + type;
    };
  }
}
