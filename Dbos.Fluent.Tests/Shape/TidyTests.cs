using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Dbos.Fluent.Model;

namespace Dbos.Fluent.Tests.Shape;

/// <summary>The house style, as far as it can be counted.</summary>
public sealed partial class TidyTests
{
    private const int FileLinesMax = 400;
    private const int MethodLinesMax = 60;
    private const int LineColumnsMax = 140;

    private static readonly string[] WithoutSeededRandomness = ["Execution", "Definitions"];

    [Fact]
    public void Files_are_short()
    {
        var breaches =
            from file in SourceTree.All
            where file.Text.TrimEnd().Split('\n').Length > FileLinesMax
            select $"{file} has more than {FileLinesMax} lines";

        Breaches.None(breaches);
    }

    [Fact]
    public void Methods_are_short()
    {
        var breaches =
            from file in SourceTree.All
            from method in MethodFinder.Find(file.Code)
            where method.Lines > MethodLinesMax
            select $"{file}({method.FirstLine}): {method.Lines} lines: {method.Header}";

        Breaches.None(breaches);
    }

    [Fact]
    public void Lines_are_short_outside_raw_strings()
    {
        var breaches =
            from file in SourceTree.All
            from line in file.Lines.Index()
            where line.Item.TrimEnd().Length > LineColumnsMax && !file.RawStringLines.Contains(line.Index + 1)
            select $"{file}({line.Index + 1}): {line.Item.TrimEnd().Length} columns";

        Breaches.None(breaches);
    }

    [Fact]
    public void Names_say_what_a_thing_is()
    {
        var breaches =
            from file in SourceTree.All
            from Match declaration in TypeDeclaration().Matches(file.Code)
            where EmptyWord().IsMatch(declaration.Groups["name"].Value)
            select $"{file}: {declaration.Groups["name"].Value}";
        var folders = SourceTree.All.SelectMany(file => file.Folder.Split('/')).Where(folder => EmptyWord().IsMatch(folder));

        Breaches.None(breaches.Concat(folders));
    }

    [Fact]
    public void Nothing_is_folded_away_or_left_for_later()
    {
        var breaches =
            from file in SourceTree.All
            from line in file.Lines.Index()
            let folded = file.Code.Split('\n')[line.Index].TrimStart().StartsWith("#region", StringComparison.Ordinal)
            where folded || LeftForLater().IsMatch(line.Item)
            select $"{file}({line.Index + 1}): {line.Item.Trim()}";

        Breaches.None(breaches);
    }

    // A delay on a clock that the test itself moves takes no time.
    [Fact]
    public void Tests_do_not_sleep()
    {
        var delays =
            from file in SourceTree.Tests
            from Match call in Delay().Matches(file.Code)
            where !OnMovedClock().IsMatch(call.Groups["arguments"].Value)
            select $"{file}: {call.Value.Trim()}";

        Breaches.None(Found(SourceTree.Tests, Sleep()).Concat(delays));
    }

    [Fact]
    public void Library_reads_no_clock_but_the_one_it_is_given()
    {
        var delays =
            from file in SourceTree.Library
            from Match call in Delay().Matches(file.Code)
            where !call.Groups["arguments"].Value.Contains("time", StringComparison.OrdinalIgnoreCase)
            select $"{file}: {call.Value.Trim()}";

        Breaches.None(Found(SourceTree.Library, WallClock()).Concat(delays));
    }

    // The jitter of a wait is in no history, so nothing can differ on a replay.
    [Fact]
    public void Replayed_code_draws_no_unseeded_random_numbers() =>
        Breaches.None(Found(SourceTree.Library.Where(file => WithoutSeededRandomness.Contains(file.Folder.Split('/')[0])), Randomness()));

    [Fact]
    public void No_thread_is_blocked_for_a_task()
    {
        var waits =
            from method in LibraryCode.Methods
            from used in LibraryCode.MembersUsedBy(method).OfType<MethodBase>()
            where typeof(Task).IsAssignableFrom(used.DeclaringType) && used.Name is "get_Result" or "Wait" or "WaitAll" or "WaitAny"
            select $"{method.DeclaringType}.{method.Name} calls {used.DeclaringType!.Name}.{used.Name}";

        Breaches.None(waits.Concat(Found(SourceTree.Library, BlockingAwaiter())));
    }

    [Fact]
    public void No_method_is_async_void()
    {
        var breaches =
            from method in LibraryCode.Methods.OfType<MethodInfo>()
            where method.ReturnType == typeof(void) && method.GetCustomAttribute<AsyncStateMachineAttribute>() is not null
            select $"{method.DeclaringType}.{method.Name}";

        Breaches.None(breaches);
    }

    [Fact]
    public void Statements_stand_only_in_Sql_classes()
    {
        var breaches =
            from file in SourceTree.Library
            where !file.Name.EndsWith("Sql.cs", StringComparison.Ordinal)
            from text in file.Strings
            where Statement().IsMatch(text)
            select $"{file}: {text.Trim().Split('\n')[0]}";

        Breaches.None(breaches);
    }

    // The words are other SDKs' too, and written once. A statement takes them from there.
    [Fact]
    public void Statements_take_the_words_of_states_from_the_model()
    {
        var words = Enum.GetValues<WorkflowState>().Select(state => $"'{state.ToStored()}'").ToList();
        var breaches =
            from file in SourceTree.Library
            where file.Folder.StartsWith("Storage/", StringComparison.Ordinal)
            from text in file.Strings
            from word in words
            where text.Contains(word, StringComparison.Ordinal)
            select $"{file}: {word}";

        Breaches.None(breaches);
    }

    private static IEnumerable<string> Found(IEnumerable<SourceFile> files, Regex banned) =>
        from file in files
        from Match match in banned.Matches(file.Code)
        let line = file.Code.AsSpan(0, match.Index).Count('\n') + 1
        select $"{file}({line}): {match.Value}";

    [GeneratedRegex(@"\b(?:class|struct|interface|record|enum)\s+(?:class\s+|struct\s+)?(?<name>[A-Z]\w*)")]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"(Manager|Helper|Util|Common|Impl)s?(?=[A-Z]|$)|Base$")]
    private static partial Regex EmptyWord();

    // Written so that it does not find itself.
    [GeneratedRegex(@"\b(TO[D]O|FIX[M]E|HAC[K]|XX[X])\b")]
    private static partial Regex LeftForLater();

    [GeneratedRegex(@"\b(Thread\.Sleep|SpinWait|Thread\.SpinWait)\b")]
    private static partial Regex Sleep();

    [GeneratedRegex(
        @"\b(DateTime\.(Now|UtcNow|Today)|DateTimeOffset\.(Now|UtcNow)|Thread\.Sleep|Environment\.TickCount64?|Stopwatch\.\w+)\b")]
    private static partial Regex WallClock();

    [GeneratedRegex(@"\bTask\.Delay\((?<arguments>[^;]*);")]
    private static partial Regex Delay();

    [GeneratedRegex(@"(?<!Jitter \* )\b(Guid\.NewGuid|Random\.Shared|new Random\(\))")]
    private static partial Regex Randomness();

    [GeneratedRegex(@"\btime\s*[,)]")]
    private static partial Regex OnMovedClock();

    [GeneratedRegex(@"\.GetAwaiter\(\)\s*\.GetResult\(\)")]
    private static partial Regex BlockingAwaiter();

    [GeneratedRegex(@"\b(SELECT|INSERT\s+INTO|UPDATE\s+\S+\s+(AS\s+\w+\s+)?SET|DELETE\s+FROM|(CREATE|DROP)\s+(TABLE|INDEX|SCHEMA))\b")]
    private static partial Regex Statement();
}
