namespace Dbos.Fluent.Execution;

/// <summary>
/// Orders the receives of one run that take messages of one topic: the one with the lowest sequence number is first, and only the first
/// looks for a message.
/// </summary>
internal sealed class ReceiveTurns
{
    private readonly Lock gate = new();
    private readonly List<Turn> turns = [];
    private readonly List<(string? Topic, long After, TaskCompletionSource InVain)> asked = [];
    private long looks;

    /// <summary>Announces a receive that may wait for a message of the topic. Disposing the turn ends it.</summary>
    /// <remarks>
    /// Receives that may begin together are announced before any of them begins, so that it does not matter which one begins first.
    /// </remarks>
    public Turn Announce(string? topic, int sequence)
    {
        lock (gate)
        {
            var turn = turns.Find(turn => turn.Topic == topic && turn.Sequence == sequence);
            if (turn is null)
            {
                turns.Add(turn = new Turn(this, topic, sequence));
            }

            return turn;
        }
    }

    private void Begin(Turn turn)
    {
        lock (gate)
        {
            turn.HasBegun = true;
            foreach (var behind in turns.Where(other => other.Topic == turn.Topic && other.Sequence > turn.Sequence))
            {
                behind.Demote();
            }

            Promote(turn.Topic);
        }
    }

    private void End(Turn turn)
    {
        lock (gate)
        {
            turns.Remove(turn);
            Promote(turn.Topic);
        }
    }

    // One that was only announced keeps the others waiting. It is promoted when it begins: others may still be announced before it.
    private void Promote(string? topic)
    {
        if (turns.Where(turn => turn.Topic == topic).MinBy(turn => turn.Sequence) is { HasBegun: true } first)
        {
            first.Promote();
        }
    }

    private Task Ask(string? topic)
    {
        lock (gate)
        {
            var inVain = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            asked.Add((topic, looks, inVain));
            return inVain.Task;
        }
    }

    private void LookedInVain(string? topic, long look)
    {
        lock (gate)
        {
            asked.Where(one => one.Topic == topic && one.After < look).ToList().ForEach(one => one.InVain.TrySetResult());
            asked.RemoveAll(one => one.InVain.Task.IsCompleted);
        }
    }

    /// <summary>One receive's turn.</summary>
    internal sealed class Turn(ReceiveTurns turns, string? topic, int sequence) : IDisposable
    {
        private TaskCompletionSource come = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string? Topic { get; } = topic;

        public int Sequence { get; } = sequence;

        /// <summary>Whether its receive waits, or is about to. Until then it is only announced.</summary>
        public bool HasBegun { get; set; }

        /// <summary>Completes when no receive of the topic with a lower number is left. If one begins later, there is a new task.</summary>
        public Task Come => Volatile.Read(ref come).Task;

        /// <summary>Begins the wait.</summary>
        public void Begin() => turns.Begin(this);

        /// <summary>Says that the first begins to look for a message; returns the number of the look.</summary>
        public long BeginLook() => Interlocked.Increment(ref turns.looks);

        /// <summary>Says that a look has found nothing.</summary>
        public void LookedInVain(long look) => turns.LookedInVain(Topic, look);

        /// <summary>
        /// Asks the first to look for a message. Completes when a look that begins from now on has found nothing, neither for those before
        /// this one nor for this one.
        /// </summary>
        public Task AskForLook() => turns.Ask(Topic);

        public void Promote() => come.TrySetResult();

        public void Demote()
        {
            if (come.Task.IsCompleted)
            {
                Volatile.Write(ref come, new(TaskCreationOptions.RunContinuationsAsynchronously));
            }
        }

        public void Dispose() => turns.End(this);
    }
}
