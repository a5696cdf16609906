package dev.tuff.tools;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** Turns what the JDK says about files into what its user can read. */
final class Failures {
  private Failures() {}

  /** One sentence: the path and what is wrong with it. */
  static String sentence(IOException failure) {
    return switch (failure) {
      case NoSuchFileException e -> e.getFile() + ": no such file";
      case AccessDeniedException e -> e.getFile() + ": permission denied";
      case FileAlreadyExistsException e -> e.getFile() + ": exists already";
      case NotDirectoryException e -> e.getFile() + ": not a folder";
      case DirectoryNotEmptyException e -> e.getFile() + ": folder is not empty";
      case FileSystemException e when e.getReason() != null ->
          e.getFile() + ": " + lower(e.getReason());
      case FileNotFoundException e -> String.valueOf(e.getMessage());
      default ->
          failure.getMessage() == null ? failure.getClass().getSimpleName() : failure.getMessage();
    };
  }

  private static String lower(String reason) {
    return reason.isEmpty()
        ? reason
        : Character.toLowerCase(reason.charAt(0)) + reason.substring(1);
  }
}
