package dev.tuff.iom.runtime;

import dev.tuff.device.IoLoop;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;
import org.jctools.queues.varhandle.MpscVarHandleArrayQueue;
import org.jctools.queues.varhandle.SpscVarHandleArrayQueue;

/**
 * One thread's worth of the appliance: an I/O loop and the actors that live on it. Runs each event
 * to completion; nothing in it is locked. A loop that has nothing to do sleeps in the ring.
 */
public final class Shard {
  /**
   * Messages under way from one shard to another at most; more would mean that in-flight work is
   * not bounded.
   */
  private static final int MAILBOX_SLOTS = 1 << 14;

  /** Messages taken from one mailbox before I/O gets its turn. */
  private static final int DRAIN_LIMIT = 256;

  private static final int FREE_LIMIT = 4096;

  private final int index;
  private final Stopper stopper;
  private IoLoop loop;
  private Shard[] peers;
  private SpscVarHandleArrayQueue<Message>[] inboxes;
  private final MpscVarHandleArrayQueue<Runnable> tasks = new MpscVarHandleArrayQueue<>(4096);
  private final ArrayDeque<Message> local = new ArrayDeque<>(1024);
  private final List<Actor> actors = new ArrayList<>();
  private Actor[] roundActors = new Actor[0];
  private boolean[] owedWakeUp;
  private Message free;
  private int freeCount;
  private boolean stopped;
  private long handledEvents;
  private final Counter allocatedMessages = new Counter();

  /** What to do when a bug shows on some shard that is not one actor's alone. */
  @FunctionalInterface
  public interface Stopper {
    void onBroken(Shard shard, Throwable cause);
  }

  public Shard(int index, Stopper stopper) {
    this.index = index;
    this.stopper = stopper;
  }

  public int index() {
    return index;
  }

  public IoLoop loop() {
    return loop;
  }

  /** Makes the shards of one array known to each other; before any of them runs. */
  public static void connect(Shard[] shards) {
    for (Shard shard : shards) {
      shard.peers = shards;
      shard.owedWakeUp = new boolean[shards.length];
      shard.inboxes = newInboxes(shards.length);
    }
  }

  @SuppressWarnings({"unchecked", "rawtypes"})
  private static SpscVarHandleArrayQueue<Message>[] newInboxes(int count) {
    SpscVarHandleArrayQueue[] queues = new SpscVarHandleArrayQueue[count];
    for (int i = 0; i < count; i++) {
      queues[i] = new SpscVarHandleArrayQueue<Message>(MAILBOX_SLOTS);
    }
    return queues;
  }

  /** Gives the shard its loop; on the shard's own thread, before anything else there. */
  public void attach(IoLoop newLoop) {
    this.loop = newLoop;
  }

  /** Adds an actor whose {@link Actor#onRoundEnd} is to be called; on the shard's thread. */
  public void add(Actor actor) {
    actors.add(actor);
    roundActors = actors.toArray(new Actor[0]);
  }

  /** Takes an actor out: its {@link Actor#onRoundEnd} is not called any more. */
  public void remove(Actor actor) {
    actors.remove(actor);
    roundActors = actors.toArray(new Actor[0]);
  }

  /** Removes all actors; on the shard's thread, when the array is closed. */
  public void removeActors() {
    actors.clear();
    roundActors = new Actor[0];
  }

  /** Sends from this shard's thread to an actor anywhere. */
  public void send(Actor to, MessageType type, Object subject, Object detail, long number) {
    Message message = free;
    if (message == null) {
      message = new Message();
      allocatedMessages.add(1);
    } else {
      free = message.nextFree;
      message.nextFree = null;
      freeCount--;
    }
    message.type = type;
    message.to = to;
    message.subject = subject;
    message.detail = detail;
    message.number = number;
    Shard target = to.shard();
    if (target == this) {
      local.add(message);
    } else {
      Invariant.check(
          target.inboxes[index].offer(message),
          "a mailbox is never full: in-flight work is bounded");
      owedWakeUp[target.index] = true;
    }
  }

  /** Any thread: runs the task on this shard. False when too many wait already. */
  public boolean offer(Runnable task) {
    boolean taken = tasks.offer(task);
    if (taken && loop != null) {
      loop.wakeUp();
    }
    return taken;
  }

  /**
   * Runs until {@link #stop}. A broken invariant or any other bug that no actor takes on itself
   * ({@link Actor#onBug}) ends it and is reported once.
   */
  public void run() {
    try {
      while (!stopped) {
        boolean more = drain();
        endRound();
        if (more || stopped || !local.isEmpty()) {
          loop.poll();
        } else {
          // Submits and sleeps in one system call. A message that came after the look at the
          // mailboxes has left a wake-up.
          loop.await(-1);
        }
      }
    } catch (RuntimeException | Error broken) {
      stopped = true;
      stopper.onBroken(this, broken);
    }
  }

  /**
   * One round without sleep: mailboxes, tasks, what the actors gathered, I/O. Returns how many I/O
   * handlers ran.
   */
  public int round() {
    drain();
    endRound();
    int handled = loop.poll();
    drain();
    endRound();
    return handled;
  }

  /**
   * One round as in {@link #run}, without sleep, in which each other shard's messages come as if
   * only so many of them had arrived: what a simulator lets be late.
   *
   * @param arrived by the index of the sender; what is left over comes first the next time
   * @return messages, tasks and I/O completions handled
   */
  public int round(IntUnaryOperator arrived) {
    long before = handledEvents;
    drain(arrived);
    endRound();
    return (int) (handledEvents - before) + loop.poll();
  }

  private boolean drain() {
    return drain(sender -> DRAIN_LIMIT);
  }

  /** Empties the mailboxes up to a limit; true when there may be more. */
  private boolean drain(IntUnaryOperator limit) {
    boolean more = false;
    drainLocal();
    for (int sender = 0; sender < inboxes.length; sender++) {
      int most = limit.applyAsInt(sender);
      int taken = 0;
      Message message;
      while (taken < most && (message = inboxes[sender].poll()) != null) {
        deliver(message);
        taken++;
      }
      more |= taken == DRAIN_LIMIT;
      drainLocal();
    }
    int taken = 0;
    Runnable task;
    while (taken < DRAIN_LIMIT && (task = tasks.poll()) != null) {
      task.run();
      taken++;
      handledEvents++;
    }
    drainLocal();
    return more || taken == DRAIN_LIMIT;
  }

  private void drainLocal() {
    for (Message message = local.poll(); message != null; message = local.poll()) {
      deliver(message);
    }
  }

  private void deliver(Message message) {
    handledEvents++;
    try {
      message.to.onMessage(message);
    } catch (RuntimeException bug) {
      contain(message.to, bug);
    }
    message.to = null;
    message.subject = null;
    message.detail = null;
    if (freeCount < FREE_LIMIT) {
      message.nextFree = free;
      free = message;
      freeCount++;
    }
  }

  private void endRound() {
    for (Actor actor : roundActors) {
      try {
        actor.onRoundEnd();
      } catch (RuntimeException bug) {
        contain(actor, bug);
      }
    }
    for (int i = 0; i < owedWakeUp.length; i++) {
      if (owedWakeUp[i]) {
        owedWakeUp[i] = false;
        peers[i].loop.wakeUp();
      }
    }
  }

  /** Runs what an actor of this shard is asked to do, as if by a message; on the shard's thread. */
  public static void run(Actor actor, Runnable task) {
    try {
      task.run();
    } catch (RuntimeException bug) {
      contain(actor, bug);
    }
  }

  private static void contain(Actor actor, RuntimeException bug) {
    if (!actor.onBug(bug)) {
      throw bug;
    }
  }

  /** Ends {@link #run} after the present round; on the shard's thread. */
  public void stop() {
    stopped = true;
  }

  public boolean stopped() {
    return stopped;
  }

  /** Messages made because the pool had none left: stays flat in steady state. */
  public long allocatedMessages() {
    return allocatedMessages.get();
  }
}
