using System.Collections.Concurrent;

namespace Dbos.Fluent.Execution;

/// <summary>
/// The tokens of workflows about to begin here: a start or next generation is being written, or a claim is under way or its histories are
/// being read. Their rows may carry these tokens already. However long that takes, such a row is not an orphan.
/// </summary>
internal sealed class TokensInHand
{
    // The value is the token whose place the key takes; empty if there is none.
    private readonly ConcurrentDictionary<string, string> tokens = new(StringComparer.Ordinal);

    public ICollection<string> All => tokens.Keys;

    /// <summary>Holds a token until it is let go. By then everything under it has begun, or belongs to another executor.</summary>
    /// <param name="token">The token.</param>
    /// <param name="after">The token of the generation that it follows.</param>
    public Holding Hold(string token, string after = "")
    {
        tokens[token] = after;
        return new Holding(this, token);
    }

    /// <summary>True while the next generation of the workflow with this token is in hand.</summary>
    public bool IsFollowed(string token) => tokens.Values.Contains(token);

    public void LetGo(string token) => tokens.TryRemove(token, out _);

    /// <summary>A token while it is held.</summary>
    internal readonly struct Holding(TokensInHand inHand, string token) : IDisposable
    {
        public void Dispose() => inHand.LetGo(token);
    }
}
