using System.Runtime.CompilerServices;
using System.Text;

namespace Dbos.Fluent.Samples;

/// <summary>A word of an answer and the attempt that wrote it. Each attempt writes its words again.</summary>
public sealed record Word(int Attempt, string Text);

/// <summary>An agent that streams its actions and its answer while it works. Readers in any process may come and go.</summary>
internal static class Agent
{
    private static readonly WorkflowDefinition<string, string> Research = Workflow.Define<string, string>("research", ResearchAsync);

    public static async Task<int> RunAsync(SampleSettings settings)
    {
        using var database = new SampleDatabase(settings);
        await using var engine = await database.LaunchAsync(options => options.Add(Research));
        var handle = await engine.StartAsync(Research, "Why is the sky blue?", new() { Id = "research-1" });

        await foreach (var line in engine.ReadStreamAsync<string>(handle.Id, "progress"))
        {
            Console.WriteLine($"  … {line}");
        }

        await foreach (var word in engine.ReadStreamAsync<Word>(handle.Id, "answer"))
        {
            Console.Write($"{word.Text} ");
        }

        Console.WriteLine($"\n\nresult: {await handle}\n");
        Console.Write(await engine.GetHistoryAsync(handle.Id));
        return 0;
    }

    private static async IAsyncEnumerable<StepOr<string>> ResearchAsync(string question, WorkflowContext workflow)
    {
        yield return Step.WriteStream("progress", $"planning: {question}");
        yield return Step.Run("plan", s => Model.PlanAsync(question, s.CancellationToken)).Retry(attempts: 3).As(out var plan);

        yield return Step.WriteStream("progress", $"searching for {string.Join(" and ", plan.Result)}");
        yield return Step.All(plan.Result.Select(topic => Step.Run($"search {topic}", s => Model.SearchAsync(topic, s)))).As(out var found);

        // Two indexes are queried and the faster answer wins; the other query is cancelled and nothing of it is stored.
        yield return Step.Any(
            Step.Run("check here", s => Model.CheckAsync(found.Result, TimeSpan.FromMilliseconds(20), s)).As(out var here),
            Step.Run("check there", s => Model.CheckAsync(found.Result, TimeSpan.FromSeconds(5), s)).As(out var there)).As(out var first);
        var note = first.Result == 0 ? here.Result : there.Result;
        yield return Step.WriteStream("progress", $"checked {(first.Result == 0 ? "here" : "there")}: {note}");
        yield return Step.CloseStream("progress");

        yield return Step.Run("answer", s => AnswerAsync(question, found.Result, s)).Retry(attempts: 3).As(out var answer);
        yield return Step.CloseStream("answer");
        yield return answer.Result;
    }

    private static async Task<string> AnswerAsync(string question, IReadOnlyList<string> found, StepContext step)
    {
        var answer = new StringBuilder();
        await foreach (var word in Model.AnswerAsync(question, found, step.CancellationToken))
        {
            await step.Client.WriteStreamAsync("answer", new Word(step.Attempt, word), step.CancellationToken);
            answer.Append(word).Append(' ');
        }

        return answer.ToString().TrimEnd();
    }

    /// <summary>Simulates a language model and its tools.</summary>
    private static class Model
    {
        public static Task<IReadOnlyList<string>> PlanAsync(string question, CancellationToken cancellationToken) =>
            Task.FromResult<IReadOnlyList<string>>(["sunlight", "air"]);

        public static async Task<string> SearchAsync(string topic, CancellationToken cancellationToken)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), cancellationToken);
            return $"a page on {topic}";
        }

        public static async Task<string> CheckAsync(IReadOnlyList<string> pages, TimeSpan time, CancellationToken cancellationToken)
        {
            await Task.Delay(time, cancellationToken);
            return $"{pages.Count} pages are sound";
        }

        public static async IAsyncEnumerable<string> AnswerAsync(
            string question, IReadOnlyList<string> pages, [EnumeratorCancellation] CancellationToken cancellationToken)
        {
            foreach (var word in "Air scatters blue light more than red light.".Split(' '))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(30), cancellationToken);
                yield return word;
            }
        }
    }
}
