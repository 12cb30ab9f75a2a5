namespace Dbos.Fluent.Tests.Properties;

/// <summary>Makes programs from seeds: the same input always gives the same program.</summary>
internal sealed class ProgramGenerator
{
    private readonly ProgramInput input;
    private readonly Random random;
    private int number;

    private ProgramGenerator(ProgramInput input) => (this.input, random) = (input, new Random(input.Seed));

    private bool MayFail => input.Form != ProgramForm.Child;

    private bool IsFluent => input.Form == ProgramForm.Fluent;

    public static IReadOnlyList<ProgramNode> Create(ProgramInput input)
    {
        var generator = new ProgramGenerator(input);
        var nodes = generator.Sequence(generator.random.Next(2, 6), levels: 2).ToList();
        if (generator.MayFail && generator.random.Next(4) == 0)
        {
            nodes.Insert(generator.random.Next(nodes.Count + 1), generator.Failure());
        }

        return nodes;
    }

    private List<ProgramNode> Sequence(int length, int levels) => [.. Enumerable.Range(0, length).Select(_ => Node(levels))];

    private ProgramNode Node(int levels) => random.Next(13) switch
    {
        0 or 1 => Work(),
        2 => new ToleratedNode(number++, random.Next(1, 4)),
        3 => Sleep(),
        4 when levels > 0 => new BranchNode(number++, Sequence(random.Next(3), levels - 1), Sequence(random.Next(3), levels - 1)),
        5 when levels > 0 && !IsFluent => new LoopNode(number++, Sequence(random.Next(1, 3), levels - 1)),
        6 => new EachNode(number++, random.Next(4)),
        7 => new TypedGroupNode(number++, Members(random.Next(4), TypedMember)),
        8 when !IsFluent => new GroupNode(number++, Members(random.Next(4), () => AnyMember(levels))),
        9 when input.Depth > 0 => new CallNode(number++, Child(MayFail), Tolerated: MayFail && random.Next(3) > 0),
        10 when input.Depth > 0 => new StartNode(number++, Child(mayFail: false), levels > 0 ? Sequence(random.Next(3), levels - 1) : []),
        11 when input.Form == ProgramForm.Free => new DrawNode(number++),
        12 when input.Form == ProgramForm.Free => FailingGroup(tolerated: true),
        _ => Work(),
    };

    private ProgramNode Failure() =>
        random.Next(3) == 0 && !IsFluent ? FailingGroup(tolerated: false) : new FailNode(number++, InStep: random.Next(2) == 0);

    private FailingGroupNode FailingGroup(bool tolerated)
    {
        var members = Members(random.Next(1, 5), TypedMember);
        return new FailingGroupNode(number++, members, random.Next(members.Count), tolerated);
    }

    private List<ProgramNode> Members(int count, Func<ProgramNode> member) => [.. Enumerable.Range(0, count).Select(_ => member())];

    private ProgramNode TypedMember() =>
        input.Depth > 0 && random.Next(4) == 0 ? new CallNode(number++, Child(mayFail: false), Tolerated: false) : Work();

    private ProgramNode AnyMember(int levels) => random.Next(5) switch
    {
        0 => Sleep(),
        1 => new ToleratedNode(number++, random.Next(1, 3)),
        2 when levels > 0 => new GroupNode(number++, Members(random.Next(3), () => AnyMember(levels - 1))),
        3 => TypedMember(),
        _ => Work(),
    };

    private WorkNode Work() => new(number++, random.Next(5) == 0 ? random.Next(1, 3) : 0);

    private SleepNode Sleep() => new(number++, TimeSpan.FromTicks(random.Next(3) * TimeSpan.TicksPerMillisecond / 2));

    private ProgramInput Child(bool mayFail) =>
        new(random.Next(), input.Depth - 1, mayFail ? ProgramForm.FallibleChild : ProgramForm.Child);
}
