package dev.tuff.iom;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.tuff.iom.array.Array;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Holds the arrows between the rooms, and keeps clocks, chance and threads out of the protocol. */
class ArchitectureTest {
  private static final String ROOT = "dev.tuff.iom.";

  private static final JavaClasses CLASSES = importMain();

  private static JavaClasses importMain() {
    try {
      Path main = Path.of(Array.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      JavaClasses classes = new ClassFileImporter().importPath(main);
      if (!classes.contain(Array.class)) {
        throw new IllegalStateException("nothing to check in " + main);
      }
      return classes;
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String[] rooms(String... names) {
    String[] packages = new String[names.length];
    for (int i = 0; i < names.length; i++) {
      packages[i] = ROOT + names[i] + "..";
    }
    return packages;
  }

  private static final String[] SIDE_ROOMS =
      rooms(
          "journal",
          "object",
          "allocation",
          "cache",
          "drive",
          "checkpoint",
          "layout",
          "runtime",
          "side");

  /** A word of the protocol that object attributes keep; public under volume's name. */
  private static final String TOUGHNESS = ROOT + "volume.Toughness";

  @Test
  void sideRoomsNeverCallUp() {
    DescribedPredicate<JavaClass> upper =
        resideInAnyPackage(
                rooms("write", "parity", "read", "repair", "rebuild", "proxy", "volume", "array"))
            .and(describe("other than Toughness", type -> !type.getName().startsWith(TOUGHNESS)));
    noClasses()
        .that()
        .resideInAnyPackage(SIDE_ROOMS)
        .should()
        .dependOnClassesThat(upper)
        .because("side rooms answer by completions and do not know who asks")
        .check(CLASSES);
  }

  @Test
  void protocolRoomsKnowNoClientsAndNotEachOtherInCircles() {
    DescribedPredicate<JavaClass> clients =
        resideInAnyPackage(rooms("volume", "array"))
            .and(describe("other than Toughness", type -> !type.getName().startsWith(TOUGHNESS)));
    noClasses()
        .that()
        .resideInAnyPackage(rooms("write", "parity", "read"))
        .should()
        .dependOnClassesThat(clients)
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAnyPackage(rooms("write"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(rooms("parity", "read"))
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAnyPackage(rooms("parity"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(rooms("read"))
        .check(CLASSES);
  }

  @Test
  void nothingDependsOnArrayButArrayCheckAndSimulation() {
    noClasses()
        .that()
        .resideOutsideOfPackages(rooms("array", "check", "simulation"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(rooms("array"))
        .check(CLASSES);
  }

  @Test
  void checkKnowsTheMediaAndNotTheRunningArray() {
    noClasses()
        .that()
        .resideOutsideOfPackages(rooms("check", "simulation"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(rooms("check"))
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAnyPackage(rooms("check"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(rooms("write", "parity", "read", "volume", "side", "cache", "runtime"))
        .because("who checks what others wrote had better not share their code")
        .check(CLASSES);
  }

  @Test
  void nothingKnowsTheSimulation() {
    noClasses()
        .that()
        .resideOutsideOfPackages(rooms("simulation"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(rooms("simulation"))
        .because("what runs in the simulator must not know that it does")
        .check(CLASSES);
  }

  @Test
  void theServerIsAClientOfVolumes() {
    noClasses()
        .that()
        .resideInAnyPackage(rooms("nbd"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            rooms(
                "array",
                "write",
                "parity",
                "read",
                "repair",
                "scrub",
                "recovery",
                "check",
                "simulation",
                "journal",
                "allocation",
                "cache",
                "checkpoint",
                "drive",
                "side"))
        .because("it knows volumes and the shards that it runs on, and nothing of how they store")
        .check(CLASSES);
    noClasses()
        .that()
        .resideOutsideOfPackages(rooms("nbd", "array"))
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(rooms("nbd"))
        .because("volumes do not know who serves them")
        .check(CLASSES);
  }

  private static final Set<Class<?>> NONDETERMINISTIC =
      Set.of(
          Thread.class,
          java.util.Random.class,
          java.util.SplittableRandom.class,
          java.util.concurrent.ThreadLocalRandom.class,
          java.security.SecureRandom.class,
          java.time.Clock.class,
          java.time.Instant.class);

  @Test
  void protocolRoomsHaveNoClockNoChanceNoThread() {
    DescribedPredicate<JavaClass> chance =
        describe(
            "a clock, chance or a thread",
            type -> NONDETERMINISTIC.stream().anyMatch(type::isEquivalentTo));
    String[] rooms =
        rooms(
            "write",
            "parity",
            "read",
            "rebuild",
            "journal",
            "object",
            "allocation",
            "checkpoint",
            "drive",
            "cache",
            "layout",
            "side",
            "proxy",
            "check");
    noClasses()
        .that()
        .resideInAnyPackage(rooms)
        .should()
        .dependOnClassesThat(chance)
        .check(CLASSES);
    noClasses()
        .that()
        .resideInAnyPackage(rooms)
        .should()
        .accessTargetWhere(
            describe("the system's clock or Math.random", ArchitectureTest::readsClockOrChance))
        .check(CLASSES);
  }

  private static boolean readsClockOrChance(JavaAccess<?> access) {
    String owner = access.getTargetOwner().getName();
    String name = access.getName();
    return switch (owner) {
      case "java.lang.System" -> name.equals("nanoTime") || name.equals("currentTimeMillis");
      case "java.lang.Math" -> name.equals("random");
      case "java.util.UUID" -> name.equals("randomUUID");
      default -> false;
    };
  }
}
