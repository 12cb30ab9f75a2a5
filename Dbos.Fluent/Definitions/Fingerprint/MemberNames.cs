using System.Globalization;
using System.Reflection;
using System.Text;

namespace Dbos.Fluent.Definitions;

/// <summary>Names types, fields and methods so that neither a rebuild nor another version of a library changes the names.</summary>
/// <remarks>
/// What the compiler generated for this code is named in the order in which it is first met (<c>$0</c>, <c>$1</c>, …), because the ordinals
/// in the compiler's own names depend on everything in the file or the assembly. Everything else has its full name, without its assembly.
/// </remarks>
internal sealed class MemberNames
{
    private const string AnonymousType = "<>f__Anonymous";

    private readonly List<Module> modules = [];
    private readonly Dictionary<long, string> own = [];
    private readonly Dictionary<MemberInfo, string> known = [];

    /// <summary>True for a type that the compiler nested in a user's type, such as a closure or a state machine.</summary>
    public static bool IsGenerated(Type type) =>
        type.DeclaringType is { } outer && (HasGeneratedName(type) || IsGenerated(outer));

    /// <summary>True for a lambda, a local function, and a method of a generated type.</summary>
    // A name that ends in $ is fixed: every record or program has a member of that name.
    public static bool IsGenerated(MethodBase method) =>
        method.DeclaringType is { } type
        && (IsGenerated(type) || (HasGeneratedName(method) && !HasGeneratedName(type) && !method.Name.EndsWith('$')));

    /// <summary>Identifies a member's definition here; all instances of a generic one share the key.</summary>
    public long KeyOf(MemberInfo member)
    {
        var module = modules.IndexOf(member.Module);
        if (module < 0)
        {
            module = modules.Count;
            modules.Add(member.Module);
        }

        return ((long)module << 32) | (uint)member.MetadataToken;
    }

    /// <summary>The name of a method that is part of this code.</summary>
    // Instances of a generic class share one code; the arguments of the class, like those of the method, decide what it does.
    public string Own(MethodBase method)
    {
        var type = method.DeclaringType is { IsGenericType: true } generic ? "<" + List(generic.GetGenericArguments()) + ">." : "";
        return type + Own((MemberInfo)method) + Arguments(method);
    }

    public string Of(Type type) => known.TryGetValue(type, out var name) ? name : known[type] = Name(type);

    public string Of(FieldInfo field) => known.TryGetValue(field, out var name) ? name : known[field] = Name(field);

    public string Of(MethodBase method) => known.TryGetValue(method, out var name) ? name : known[method] = Name(method);

    private string Name(Type type)
    {
        if (type.IsGenericParameter)
        {
            return (type.DeclaringMethod is null ? "!" : "!!") + type.GenericParameterPosition.ToString(CultureInfo.InvariantCulture);
        }

        if (type.GetElementType() is { } element)
        {
            return Of(element) + (type.IsArray ? $"[{type.GetArrayRank()}]" : type.IsByRef ? "&" : "*");
        }

        return type.IsGenericType
            ? Definition(type.GetGenericTypeDefinition()) + "<" + List(type.GetGenericArguments()) + ">"
            : Definition(type);
    }

    private string Name(FieldInfo field)
    {
        var type = field.DeclaringType;
        return type is null ? field.Name : Of(type) + "." + (IsGenerated(type) ? Own(field) : field.Name);
    }

    private string Name(MethodBase method)
    {
        var outer = method.DeclaringType is { } type ? Of(type) + "." : "";
        var parameters = List(Array.ConvertAll(method.GetParameters(), parameter => parameter.ParameterType));
        var returned = method is MethodInfo { ReturnType: var result } ? Of(result) : "";
        return $"{outer}{method.Name}{Arguments(method)}({parameters}) {returned}";
    }

    private string Definition(Type type)
    {
        if (IsGenerated(type))
        {
            return Own(type);
        }

        var outer = type.DeclaringType is { } declaring ? Definition(declaring) + "+" : type.Namespace + ".";
        return outer + (type.Name.StartsWith(AnonymousType, StringComparison.Ordinal) ? AnonymousType : WithoutFile(type.Name));
    }

    private string Own(MemberInfo member)
    {
        var key = KeyOf(member);
        if (!own.TryGetValue(key, out var name))
        {
            own[key] = name = "$" + own.Count.ToString(CultureInfo.InvariantCulture);
        }

        return name;
    }

    private string Arguments(MethodBase method) => method.IsGenericMethod ? "<" + List(method.GetGenericArguments()) + ">" : "";

    private string List(Type[] types)
    {
        var text = new StringBuilder();
        foreach (var type in types)
        {
            text.Append(text.Length == 0 ? "" : ", ").Append(Of(type));
        }

        return text.ToString();
    }

    private static bool HasGeneratedName(MemberInfo member) => member.Name[0] == '<' && WithoutFile(member.Name) == member.Name;

    // A file-local type is the user's: its name is <file>F, a hash of the file's path, __ and the name in the source.
    private static string WithoutFile(string name)
    {
        const int Hash = 64;
        if (name[0] != '<')
        {
            return name;
        }

        var file = name.IndexOf(">F", StringComparison.Ordinal);
        var rest = file + ">F".Length + Hash;
        var isFileLocal = file > 0 && name.Length > rest && name.AsSpan(rest).StartsWith("__");
        return isFileLocal ? name[(rest + "__".Length)..] : name;
    }
}
