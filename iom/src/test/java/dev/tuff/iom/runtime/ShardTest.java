package dev.tuff.iom.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tuff.device.SimulatedLoop;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ShardTest {
  private static class Receiver implements Actor {
    final Shard shard;
    final List<Long> heard = new ArrayList<>();
    Actor answerTo;
    int rounds;

    Receiver(Shard shard) {
      this.shard = shard;
    }

    @Override
    public Shard shard() {
      return shard;
    }

    @Override
    public void onMessage(Message message) {
      heard.add(message.number);
      if (answerTo != null) {
        shard.send(answerTo, message.type, message.subject, null, message.number);
      }
    }

    @Override
    public void onRoundEnd() {
      rounds++;
    }
  }

  private static Shard[] shards(int count) {
    Shard[] shards = new Shard[count];
    for (int i = 0; i < count; i++) {
      shards[i] = new Shard(i, (shard, cause) -> {});
      shards[i].attach(new SimulatedLoop(i));
    }
    Shard.connect(shards);
    return shards;
  }

  @Test
  void messagesArriveInOrderOnTheSameShardAndAnother() {
    Shard[] shards = shards(2);
    Receiver here = new Receiver(shards[0]);
    Receiver there = new Receiver(shards[1]);
    for (long i = 0; i < 1000; i++) {
      shards[0].send(i % 2 == 0 ? here : there, MessageType.READ, null, null, i);
    }
    assertThat(here.heard).as("a handler never runs within send").isEmpty();
    shards[0].round();
    shards[1].round();
    assertThat(here.heard).hasSize(500).isSorted();
    assertThat(there.heard).hasSize(500).isSorted();
  }

  @Test
  void messagesAreUsedAgain() {
    Shard[] shards = shards(2);
    Receiver here = new Receiver(shards[0]);
    Receiver there = new Receiver(shards[1]);
    there.answerTo = here;
    for (int round = 0; round < 1000; round++) {
      for (int i = 0; i < 10; i++) {
        shards[0].send(there, MessageType.READ, null, null, i);
      }
      shards[0].round();
      shards[1].round();
      shards[0].round();
    }
    assertThat(here.heard).hasSize(10_000);
    // Ten at a time are under way, each at most twice before it is back in a pool.
    assertThat(shards[0].allocatedMessages() + shards[1].allocatedMessages())
        .isLessThanOrEqualTo(20);
  }

  @Test
  void aMessageIsEmptyAfterItsHandler() {
    Shard[] shards = shards(1);
    Message[] kept = new Message[1];
    Actor keeper =
        new Actor() {
          @Override
          public Shard shard() {
            return shards[0];
          }

          @Override
          public void onMessage(Message message) {
            kept[0] = message;
          }
        };
    shards[0].send(keeper, MessageType.WRITE, "subject", "detail", 1);
    shards[0].round();
    assertThat(kept[0].to).isNull();
    assertThat(kept[0].subject).isNull();
    assertThat(kept[0].detail).isNull();
  }

  @Test
  void aFullMailboxIsABrokenInvariant() {
    Shard[] shards = shards(2);
    Receiver there = new Receiver(shards[1]);
    org.assertj.core.api.Assertions.assertThatThrownBy(
            () -> {
              for (int i = 0; i < 1 << 15; i++) {
                shards[0].send(there, MessageType.READ, null, null, i);
              }
            })
        .isInstanceOf(Invariant.Broken.class)
        .hasMessageContaining("mailbox");
  }

  @Test
  void tasksRunOnceAndActorsHearOfTheRoundsEnd() {
    Shard[] shards = shards(1);
    Receiver actor = new Receiver(shards[0]);
    shards[0].add(actor);
    int[] runs = new int[1];
    assertThat(shards[0].offer(() -> runs[0]++)).isTrue();
    shards[0].round();
    shards[0].round();
    assertThat(runs[0]).isEqualTo(1);
    assertThat(actor.rounds).isPositive();
    shards[0].removeActors();
    int before = actor.rounds;
    shards[0].round();
    assertThat(actor.rounds).isEqualTo(before);
  }

  /** A bug that an actor takes on itself ends neither the round nor the shard. */
  @Test
  void anActorThatStopsAloneDoesNotEndTheShard() {
    List<Throwable> reported = new ArrayList<>();
    Shard shard = new Shard(0, (broken, cause) -> reported.add(cause));
    shard.attach(new SimulatedLoop(1));
    Shard.connect(new Shard[] {shard});
    List<RuntimeException> taken = new ArrayList<>();
    Receiver broken =
        new Receiver(shard) {
          @Override
          public void onMessage(Message message) {
            throw new IllegalStateException("message " + message.number);
          }

          @Override
          public void onRoundEnd() {
            throw new IllegalStateException("round end");
          }

          @Override
          public boolean onBug(RuntimeException bug) {
            taken.add(bug);
            shard.remove(this);
            return taken.size() < 4;
          }
        };
    Receiver other = new Receiver(shard);
    shard.add(broken);
    shard.add(other);
    shard.send(broken, MessageType.READ, null, null, 1);
    shard.send(other, MessageType.READ, null, null, 2);
    shard.round();
    assertThat(other.heard).containsExactly(2L);
    assertThat(other.rounds).isPositive();
    shard.add(broken);
    shard.round();
    Shard.run(
        broken,
        () -> {
          throw new IllegalStateException("task");
        });
    assertThat(taken)
        .extracting(Throwable::getMessage)
        .containsExactly("message 1", "round end", "task");
    assertThat(reported).isEmpty();
    shard.send(broken, MessageType.READ, null, null, 3);
    shard.run();
    assertThat(shard.stopped()).isTrue();
    assertThat(reported).hasSize(1);
  }

  @Test
  void aBrokenHandlerEndsTheShardAndIsReportedOnce() {
    List<Throwable> reported = new ArrayList<>();
    Shard shard = new Shard(0, (broken, cause) -> reported.add(cause));
    shard.attach(new SimulatedLoop(1));
    Shard.connect(new Shard[] {shard});
    shard.offer(() -> Invariant.check(false, "two and two are five", 5));
    shard.run();
    assertThat(shard.stopped()).isTrue();
    assertThat(reported).hasSize(1);
    assertThat(reported.getFirst())
        .isInstanceOf(Invariant.Broken.class)
        .hasMessage("two and two are five: 5");
  }
}
